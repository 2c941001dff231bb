// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of the send queues that is used again: pages and buffers.
 *
 * Engine (layer 1), below sendq.c and stream.c; knows no connection. Locks: a
 * ring's spinlock, the innermost of all, held for a few instructions, in process
 * context only; slots are exchanged atomically, in any context but hardirq.
 *
 * A kernel that clears memory when it is allocated (init_on_alloc, the default
 * of distributions) clears each page that send() is about to copy into, and
 * each buffer's head: a sixth of what a bulk stream costs. Neither needs it twice:
 *
 * Pages. When a page frag of send()'s is used up, its reference goes to the end
 * of a ring of this CPU. When a fresh one is wanted the oldest of the ring is
 * looked at: if the reference is the only one, nobody else can see the page any
 * more, and nobody can come to (references are taken from references). That
 * is the test skb_page_frag_refill() makes for the one page it has. Otherwise
 * the page still lies in a queue, a pipe, a device or a mapping, here or in the
 * receiver on this host, and a fresh one is allocated. A ring that is full takes no
 * more, but goes on to the next: those it has are the first to become free, and
 * one page that a reader forgets is not to stop all others.
 *
 * What was in the page is another socket's, but nobody sees that: bytes get into a
 * segment only after as many were written (skb_copy_to_page_nocache(); if that
 * fails half-way nothing is added), and only whole written pages are mapped.
 *
 * Buffers. Of a buffer that is acknowledged only the head and the struct are left,
 * and if no clone is, both are as good as new once they are initialised as by
 * __alloc_skb(). Linux had one such buffer a socket (sk_tx_skb_cache, 5.2 to 5.15)
 * and gave it up, for the memory of idle sockets. These are a CPU's, a few.
 *
 * All is given back: by the shrinker when memory is short, half of the pages
 * each second, everything after a second in which nothing was put here, and when
 * the module goes. No memory cgroup is charged for it, as for page frags in
 * general: sockets are charged for what lies in their queues.
 */
#include <linux/kcov.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "recycle.h"
#include "sock.h"

#define FRAG_SIZE	(PAGE_SIZE << SKB_FRAG_PAGE_ORDER)
#define FRAG_LEAST	32u	/* bytes that are worth a copy, as in sk_page_frag_refill() */

struct page_ring {
	spinlock_t lock;			/* the innermost; process context */
	unsigned int head, len;			/* lock; the oldest, how many */
	struct page *pages[TOYTCP_RECYCLE_PAGES];	/* lock; a reference each */
};

/* what a CPU keeps; others may look into it, but seldom do */
struct store {
	bool used;				/* something was put here since the last tick */
	struct sk_buff *skbs[TOYTCP_RECYCLE_SKBS];	/* xchg(); NULL: free */
	struct page_ring ring;
};

static struct store __percpu *stores;
static struct shrinker *shrinker;
static unsigned int ring_most;			/* pages, at most TOYTCP_RECYCLE_PAGES */

static void tick(struct work_struct *work);
static DECLARE_DELAYED_WORK(tick_work, tick);

static void note_used(struct store *store)
{
	WRITE_ONCE(store->used, true);
	if (unlikely(!delayed_work_pending(&tick_work)))
		queue_delayed_work(system_power_efficient_wq, &tick_work, HZ);
}

/* ---- pages ---- */

static struct page *ring_oldest(const struct page_ring *ring)
{
	return ring->len ? ring->pages[ring->head] : NULL;
}

static struct page *ring_pop(struct page_ring *ring)
{
	struct page *page = ring_oldest(ring);

	if (page) {
		ring->head = (ring->head + 1) % TOYTCP_RECYCLE_PAGES;
		WRITE_ONCE(ring->len, ring->len - 1);
	}
	return page;
}

static void ring_push(struct page_ring *ring, struct page *page)
{
	ring->pages[(ring->head + ring->len) % TOYTCP_RECYCLE_PAGES] = page;
	WRITE_ONCE(ring->len, ring->len + 1);
}

/* not the reserves of a machine without memory, no other node's, no single page */
static bool worth_keeping(const struct page_frag *pfrag)
{
	return pfrag->size == FRAG_SIZE && !page_is_pfmemalloc(pfrag->page) &&
	       page_to_nid(pfrag->page) == numa_mem_id();
}

/*
 * The page of @pfrag is used up: into the ring with it, and the oldest one out if
 * it is free. Returns false if there was none: then @pfrag has no page any more,
 * or one that is not to be kept.
 */
static bool exchange_page(struct page_frag *pfrag)
{
	struct store *store = raw_cpu_ptr(stores);
	struct page_ring *ring = &store->ring;
	struct page *page = NULL;
	bool keep;

	/* whoever is moved to another CPU here uses the ring of the one before */
	spin_lock(&ring->lock);
	if (ring->len && page_ref_count(ring_oldest(ring)) == 1)
		page = ring_pop(ring);
	keep = worth_keeping(pfrag) && ring->len < ring_most;
	if (keep)
		ring_push(ring, pfrag->page);
	else if (!page && ring->len >= ring_most)
		ring_push(ring, ring_pop(ring));
	spin_unlock(&ring->lock);

	if (!keep && !page)
		return false;
	if (keep)
		note_used(store);
	else
		put_page(pfrag->page);
	pfrag->page = page;
	pfrag->size = FRAG_SIZE;
	pfrag->offset = 0;
	return page;
}

/**
 * toytcp_recycle_frag_refill() - room to copy into, as sk_page_frag_refill()
 * @sk: the socket, whose allocation flags count
 * @pfrag: its sk_page_frag(); other families use the same one
 *
 * Context: process, socket lock held.
 * Return: true, and @pfrag has at least 32 bytes; false without memory.
 */
bool toytcp_recycle_frag_refill(struct sock *sk, struct page_frag *pfrag)
{
	if (likely(pfrag->page)) {
		if (page_ref_count(pfrag->page) == 1) {
			pfrag->offset = 0;
			return true;
		}
		if (pfrag->offset + FRAG_LEAST <= pfrag->size)
			return true;
		if (exchange_page(pfrag))
			return true;
	}
	return sk_page_frag_refill(sk, pfrag);
}

/* drop at most @max references, the oldest first; returns how many it were */
static unsigned int drop_pages(struct page_ring *ring, unsigned int max)
{
	struct page *page;
	unsigned int n;

	for (n = 0; n < max; n++) {
		spin_lock(&ring->lock);
		page = ring_pop(ring);
		spin_unlock(&ring->lock);
		if (!page)
			break;
		put_page(page);
	}
	return n;
}

/* ---- buffers ---- */

/* does nobody else see the buffer, and is it one of alloc_skb_fclone()? */
static bool reusable(struct sk_buff *skb)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	unsigned int room = skb_end_offset(skb);

	if (skb->fclone != SKB_FCLONE_ORIG ||
	    refcount_read(&container_of(skb, struct sk_buff_fclones, skb1)->fclone_ref) != 1 ||
	    refcount_read(&skb->users) != 1 || skb_cloned(skb))
		return false;
	/* whoever had a clone has done with it */
	smp_rmb();
	/* flags: pages of the program's or of a file's */
	if (skb->head_frag || skb->pfmemalloc || skb->pp_recycle ||
	    shinfo->flags || shinfo->frag_list || skb->destructor ||
	    skb->_skb_refdst || skb_nfct(skb) || skb_has_extensions(skb))
		return false;
	return room >= TOYTCP_HEADROOM && room <= TOYTCP_HEADROOM + 1024;
}

/* as __alloc_skb() leaves it */
static void initialise(struct sk_buff *skb)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);
	unsigned int size = skb_end_offset(skb);

	memset(skb, 0, offsetof(struct sk_buff, tail));
	skb->truesize = SKB_TRUESIZE(size);
	skb->data = skb->head;
	skb_reset_tail_pointer(skb);
	skb->mac_header = (typeof(skb->mac_header))~0U;
	skb->transport_header = (typeof(skb->transport_header))~0U;
	skb->alloc_cpu = raw_smp_processor_id();
	skb->fclone = SKB_FCLONE_ORIG;
	memset(shinfo, 0, offsetof(struct skb_shared_info, dataref));
	atomic_set(&shinfo->dataref, 1);
	skb_set_kcov_handle(skb, kcov_common_handle());
}

static void release_frags(struct sk_buff *skb)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);
	int i;

	for (i = 0; i < shinfo->nr_frags; i++)
		put_page(skb_frag_page(&shinfo->frags[i]));
	shinfo->nr_frags = 0;
}

/**
 * toytcp_recycle_alloc_skb() - a buffer for the send queue
 * @gfp: allocation flags, if none is kept
 *
 * Context: process or softirq.
 * Return: as alloc_skb_fclone(TOYTCP_HEADROOM), owned by the caller; NULL
 * without memory.
 */
struct sk_buff *toytcp_recycle_alloc_skb(gfp_t gfp)
{
	struct store *store = raw_cpu_ptr(stores);
	struct sk_buff *skb;
	int i;

	for (i = 0; i < TOYTCP_RECYCLE_SKBS; i++) {
		if (!READ_ONCE(store->skbs[i]))
			continue;
		skb = xchg(&store->skbs[i], NULL);
		if (likely(skb)) {
			initialise(skb);
			return skb;
		}
	}
	return alloc_skb_fclone(TOYTCP_HEADROOM, gfp);
}

/**
 * toytcp_recycle_free_skb() - a buffer of the send queue is not needed any more
 * @skb: the buffer, on no queue, charged to nobody; consumed
 *
 * Context: process or softirq.
 */
void toytcp_recycle_free_skb(struct sk_buff *skb)
{
	struct store *store = raw_cpu_ptr(stores);
	int i;

	for (i = 0; i < TOYTCP_RECYCLE_SKBS; i++) {
		if (READ_ONCE(store->skbs[i]))
			continue;
		if (!reusable(skb))
			break;
		release_frags(skb);
		if (likely(!cmpxchg(&store->skbs[i], NULL, skb))) {
			note_used(store);
			return;
		}
	}
	__kfree_skb(skb);
}

static void drop_skbs(struct store *store)
{
	struct sk_buff *skb;
	int i;

	for (i = 0; i < TOYTCP_RECYCLE_SKBS; i++) {
		skb = xchg(&store->skbs[i], NULL);
		if (skb)
			__kfree_skb(skb);
	}
}

/* ---- given back ---- */

static void tick(struct work_struct *work)
{
	toytcp_recycle_age();
}

/**
 * toytcp_recycle_age() - once a second: give back what is not used
 *
 * Half of a CPU's pages; all it has if nothing was put there since the last time.
 *
 * Context: process.
 */
void toytcp_recycle_age(void)
{
	bool left = false;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct store *store = per_cpu_ptr(stores, cpu);
		unsigned int len = READ_ONCE(store->ring.len);

		if (READ_ONCE(store->used)) {
			WRITE_ONCE(store->used, false);
			drop_pages(&store->ring, len / 2);
			left = true;
		} else {
			drop_pages(&store->ring, len);
			drop_skbs(store);
		}
	}
	if (left)
		queue_delayed_work(system_power_efficient_wq, &tick_work, HZ);
}

/**
 * toytcp_recycle_pages() - how many page frags are kept, on all CPUs
 *
 * Context: any.
 * Return: the number.
 */
unsigned long toytcp_recycle_pages(void)
{
	unsigned long n = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		n += READ_ONCE(per_cpu_ptr(stores, cpu)->ring.len);
	return n;
}

/**
 * toytcp_recycle_shrink() - give page frags back
 * @max: this many at most
 *
 * Context: process.
 * Return: how many it were.
 */
unsigned long toytcp_recycle_shrink(unsigned long max)
{
	unsigned long n = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		if (n >= max)
			break;
		n += drop_pages(&per_cpu_ptr(stores, cpu)->ring,
				min_t(unsigned long, max - n, TOYTCP_RECYCLE_PAGES));
	}
	return n;
}

static unsigned long shrink_count(struct shrinker *s, struct shrink_control *sc)
{
	return toytcp_recycle_pages() ?: SHRINK_EMPTY;
}

static unsigned long shrink_scan(struct shrinker *s, struct shrink_control *sc)
{
	return toytcp_recycle_shrink(sc->nr_to_scan) ?: SHRINK_STOP;
}

/**
 * toytcp_recycle_init() - module load: empty stores
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int toytcp_recycle_init(void)
{
	unsigned long share = totalram_pages() / 64 / num_possible_cpus();
	int cpu;

	ring_most = clamp(share >> SKB_FRAG_PAGE_ORDER, 1ul, (unsigned long)TOYTCP_RECYCLE_PAGES);
	stores = alloc_percpu(struct store);
	if (!stores)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		spin_lock_init(&per_cpu_ptr(stores, cpu)->ring.lock);
	shrinker = compat_shrinker_add("toytcp", shrink_count, shrink_scan);
	if (!shrinker) {
		free_percpu(stores);
		return -ENOMEM;
	}
	return 0;
}

/**
 * toytcp_recycle_exit() - module unload: give everything back
 *
 * Context: process; no socket is left.
 */
void toytcp_recycle_exit(void)
{
	int cpu;

	compat_shrinker_remove(shrinker);
	cancel_delayed_work_sync(&tick_work);
	toytcp_recycle_shrink(ULONG_MAX);
	for_each_possible_cpu(cpu)
		drop_skbs(per_cpu_ptr(stores, cpu));
	free_percpu(stores);
}
