/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/rculist.h: there is one thread. */
#ifndef _TOYTCP_USER_RCULIST_H
#define _TOYTCP_USER_RCULIST_H

#include <linux/list.h>
#include <linux/rcupdate.h>

#define list_add_tail_rcu	list_add_tail
#define list_del_rcu		list_del

#define list_for_each_entry_rcu(pos, head, member, cond...)		\
	for (pos = list_entry((head)->next, typeof(*pos), member);	\
	     &pos->member != (head);					\
	     pos = list_entry(pos->member.next, typeof(*pos), member))

#endif /* _TOYTCP_USER_RCULIST_H */
