/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/time64.h. */
#ifndef _TOYTCP_USER_TIME64_H
#define _TOYTCP_USER_TIME64_H

#define USEC_PER_SEC	1000000L

#endif /* _TOYTCP_USER_TIME64_H */
