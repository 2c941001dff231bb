/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of send queues that is used again: see recycle.c.
 */
#ifndef _TOYTCP_RECYCLE_H
#define _TOYTCP_RECYCLE_H

#include <linux/mm_types_task.h>
#include <linux/skbuff.h>
#include <net/sock.h>

/* what a CPU keeps at most; all together no more pages than a 64th of the memory */
#define TOYTCP_RECYCLE_PAGES	256	/* page frags of 32 KB */
#define TOYTCP_RECYCLE_SKBS	16	/* buffers of about 1.2 KB */

struct sk_buff *toytcp_recycle_alloc_skb(gfp_t gfp);
void toytcp_recycle_free_skb(struct sk_buff *skb);
bool toytcp_recycle_frag_refill(struct sock *sk, struct page_frag *pfrag);
unsigned long toytcp_recycle_shrink(unsigned long max);
unsigned long toytcp_recycle_pages(void);
void toytcp_recycle_age(void);
int toytcp_recycle_init(void);
void toytcp_recycle_exit(void);

#endif
