/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/list.h: what the module uses. */
#ifndef _TOYTCP_USER_LIST_H
#define _TOYTCP_USER_LIST_H

#include <linux/types.h>

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD(name)	struct list_head name = { &(name), &(name) }

#define list_entry(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

static inline void list_add_tail(struct list_head *item, struct list_head *head)
{
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

static inline void list_del(struct list_head *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	item->prev = NULL;
}

#endif /* _TOYTCP_USER_LIST_H */
