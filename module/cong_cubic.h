/* SPDX-License-Identifier: GPL-2.0 */
/*
 * CUBIC's window curve, RFC 9438 section 4.2. Layer 0.
 */
#ifndef _TOYTCP_CONG_CUBIC_H
#define _TOYTCP_CONG_CUBIC_H

#include <linux/types.h>

/* windows of CUBIC: segments times 1024 */
#define TOYTCP_CUBIC_SHIFT	10

u32 toytcp_cubic_k_ms(u64 w_max_q, u64 cwnd_q);
u64 toytcp_cubic_window_q(u64 w_max_q, u32 k_ms, u64 t_ms);

#endif /* _TOYTCP_CONG_CUBIC_H */
