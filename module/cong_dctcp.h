/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DCTCP's estimate, for its tests. Layer 0.
 */
#ifndef _TOYTCP_CONG_DCTCP_H
#define _TOYTCP_CONG_DCTCP_H

#include <linux/types.h>

#define TOYTCP_DCTCP_SHIFT	20	/* DCTCP.Alpha counts in 2^-20 */
#define TOYTCP_DCTCP_ONE	0x100000u /* all is marked */

u32 toytcp_dctcp_alpha_q(u32 alpha_q, u32 marked_segs, u32 acked_segs);

#endif /* _TOYTCP_CONG_DCTCP_H */
