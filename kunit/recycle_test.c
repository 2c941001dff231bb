// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of recycle.c: pages and buffers of the send queue that are used again.
 *
 * The tick of every second runs meanwhile, in real time. It takes nothing but half of
 * many pages away from who is at work.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/preempt.h>

#include "../module/recycle.h"
#include "sim.h"

#define FRAG_SIZE	(PAGE_SIZE << SKB_FRAG_PAGE_ORDER)

/* a ring without pages, and this CPU's until end() */
static void begin(void)
{
	migrate_disable();
	toytcp_recycle_shrink(ULONG_MAX);
}

static void end(struct kunit *test)
{
	toytcp_recycle_shrink(ULONG_MAX);
	KUNIT_EXPECT_EQ(test, toytcp_recycle_pages(), 0);
	migrate_enable();
}

static void end_frag(struct kunit *test, struct page_frag *frag)
{
	if (frag->page)
		put_page(frag->page);
	end(test);
}

/* a page frag of @sk's that is full; its bytes have a holder, unless @page is NULL */
static bool fill(struct kunit *test, struct sock *sk, struct page_frag *frag,
		 struct page **page)
{
	if (!toytcp_recycle_frag_refill(sk, frag))
		return false;
	KUNIT_EXPECT_EQ(test, frag->offset, 0);
	if (frag->size != FRAG_SIZE)
		return false;	/* no large pages are left: nothing is kept */
	*page = frag->page;
	get_page(*page);
	frag->offset = frag->size;
	return true;
}

static struct sock *some_socket(struct kunit *test)
{
	return sim_listen(test, SIM_PORT_A, 1)->sk;
}

/* nobody holds the page any more: it is the next one again, all of it */
static void frag__reused(struct kunit *test)
{
	struct page_frag frag = {};
	struct sock *sk = some_socket(test);
	struct page *first, *second, *third;

	begin();
	if (!fill(test, sk, &frag, &first) || !fill(test, sk, &frag, &second))
		goto out;
	/* the first is held: it went into the ring, and a new one came */
	KUNIT_EXPECT_PTR_NE(test, first, second);
	KUNIT_EXPECT_EQ(test, toytcp_recycle_pages(), 1);
	put_page(first);
	if (!fill(test, sk, &frag, &third))
		goto out;
	KUNIT_EXPECT_PTR_EQ(test, third, first);
	KUNIT_EXPECT_EQ(test, page_ref_count(third), 2);
	KUNIT_EXPECT_EQ(test, frag.size, FRAG_SIZE);
	KUNIT_EXPECT_EQ(test, toytcp_recycle_pages(), 1);
	put_page(second);
	put_page(third);
out:
	end_frag(test, &frag);
}

/* the page is not used up: no other one is taken; its only user may begin anew */
static void frag__kept_while_room(struct kunit *test)
{
	struct page_frag frag = {};
	struct sock *sk = some_socket(test);
	struct page *page;

	begin();
	KUNIT_ASSERT_TRUE(test, toytcp_recycle_frag_refill(sk, &frag));
	page = frag.page;
	get_page(page);
	frag.offset = frag.size - 32;
	KUNIT_EXPECT_TRUE(test, toytcp_recycle_frag_refill(sk, &frag));
	KUNIT_EXPECT_PTR_EQ(test, frag.page, page);
	KUNIT_EXPECT_EQ(test, frag.offset, frag.size - 32);
	put_page(page);
	KUNIT_EXPECT_TRUE(test, toytcp_recycle_frag_refill(sk, &frag));
	KUNIT_EXPECT_PTR_EQ(test, frag.page, page);
	KUNIT_EXPECT_EQ(test, frag.offset, 0);
	KUNIT_EXPECT_EQ(test, toytcp_recycle_pages(), 0);
	end_frag(test, &frag);
}

/* whatever is held longest: the ring has an end, and no holder stops the others */
static void frag__bounded(struct kunit *test)
{
	enum { HELD = TOYTCP_RECYCLE_PAGES + 8 };
	struct page **held = kunit_kcalloc(test, HELD, sizeof(*held), GFP_KERNEL);
	struct page_frag frag = {};
	struct sock *sk = some_socket(test);
	unsigned long most = 0;
	struct page *page, *fresh[9];
	int i, n, tries;

	KUNIT_ASSERT_NOT_NULL(test, held);
	begin();
	for (n = 0; n < HELD && fill(test, sk, &frag, &held[n]); n++) {
		/* none that is held is given out again */
		for (i = 0; i < n; i++)
			KUNIT_ASSERT_PTR_NE(test, held[i], held[n]);
		most = max(most, toytcp_recycle_pages());
		KUNIT_EXPECT_LE(test, toytcp_recycle_pages(), TOYTCP_RECYCLE_PAGES);
	}
	if (n < HELD)
		goto out;
	KUNIT_EXPECT_GT(test, most, 0);
	/* all but the oldest ones and the last are released: soon one of them comes */
	for (i = 8; i < HELD - 1; i++)
		put_page(held[i]);
	page = held[8];
	held[8] = held[HELD - 1];
	held[HELD - 1] = page;
	n = 9;
	for (tries = 0, i = HELD; tries < 9 && i == HELD; tries++) {
		KUNIT_EXPECT_TRUE(test, fill(test, sk, &frag, &page));
		for (i = n; i < HELD && held[i] != page; i++)
			;
		fresh[tries] = page;
	}
	KUNIT_EXPECT_LT(test, i, HELD);
	while (tries)
		put_page(fresh[--tries]);
out:
	for (i = 0; i < n; i++)
		put_page(held[i]);
	end_frag(test, &frag);
}

/* a single page, of a machine that has no large ones, is not kept */
static void frag__small_not_kept(struct kunit *test)
{
	struct page_frag frag = { .size = PAGE_SIZE, .offset = PAGE_SIZE };
	struct sock *sk = some_socket(test);
	struct page *page = alloc_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	begin();
	get_page(page);
	frag.page = page;
	KUNIT_EXPECT_TRUE(test, toytcp_recycle_frag_refill(sk, &frag));
	KUNIT_EXPECT_PTR_NE(test, frag.page, page);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	KUNIT_EXPECT_EQ(test, toytcp_recycle_pages(), 0);
	put_page(page);
	end_frag(test, &frag);
}

/* what is not used goes after a tick or two, the shrinker takes it at once */
static void frag__given_back(struct kunit *test)
{
	struct page_frag frag = {};
	struct sock *sk = some_socket(test);
	struct page *pages[4];
	int i, n;

	begin();
	for (n = 0; n < 4 && fill(test, sk, &frag, &pages[n]); n++)
		;
	if (n < 4)
		goto out;
	KUNIT_EXPECT_LE(test, toytcp_recycle_pages(), 3);
	toytcp_recycle_age();
	KUNIT_EXPECT_LE(test, toytcp_recycle_pages(), 2);
	toytcp_recycle_age();
	KUNIT_EXPECT_EQ(test, toytcp_recycle_pages(), 0);
	/* only the reference of whoever holds them is left, and the frag's */
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, page_ref_count(pages[i]), 1);
out:
	for (i = 0; i < n; i++)
		put_page(pages[i]);
	end_frag(test, &frag);
}

static void frag__shrunk(struct kunit *test)
{
	struct page_frag frag = {};
	struct sock *sk = some_socket(test);
	struct page *pages[4];
	unsigned long kept;
	int i, n;

	begin();
	for (n = 0; n < 4 && fill(test, sk, &frag, &pages[n]); n++)
		;
	kept = toytcp_recycle_pages();
	KUNIT_EXPECT_EQ(test, toytcp_recycle_shrink(1), min(kept, 1ul));
	KUNIT_EXPECT_EQ(test, toytcp_recycle_pages(), kept - min(kept, 1ul));
	for (i = 0; i < n; i++)
		put_page(pages[i]);
	end_frag(test, &frag);
}

/* is what a buffer tells the same as of a new one? */
static void expect_new(struct kunit *test, struct sk_buff *skb)
{
	struct sk_buff *fresh = alloc_skb_fclone(TOYTCP_HEADROOM, GFP_KERNEL);
	size_t from = offsetof(struct sk_buff, cb);
	struct skb_shared_info *a, *b;

	KUNIT_ASSERT_NOT_NULL(test, fresh);
	a = skb_shinfo(skb);
	b = skb_shinfo(fresh);
	fresh->alloc_cpu = skb->alloc_cpu;
	KUNIT_EXPECT_PTR_EQ(test, skb->next, NULL);
	KUNIT_EXPECT_PTR_EQ(test, skb->sk, NULL);
	KUNIT_EXPECT_MEMEQ(test, (u8 *)skb + from, (u8 *)fresh + from,
			   offsetof(struct sk_buff, tail) - from);
	KUNIT_EXPECT_EQ(test, skb_end_offset(skb), skb_end_offset(fresh));
	KUNIT_EXPECT_EQ(test, skb->truesize, fresh->truesize);
	KUNIT_EXPECT_PTR_EQ(test, skb->data, skb->head);
	KUNIT_EXPECT_EQ(test, skb_tail_pointer(skb) - skb->head, 0);
	KUNIT_EXPECT_EQ(test, refcount_read(&skb->users), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&a->dataref), atomic_read(&b->dataref));
	KUNIT_EXPECT_MEMEQ(test, a, b, offsetof(struct skb_shared_info, dataref));
	kfree_skb(fresh);
}

/* leave traces everywhere */
static void use(struct sk_buff *skb, struct page *page)
{
	skb_reserve(skb, 64);
	skb_put(skb, 20);
	memset(skb->cb, 0xa5, sizeof(skb->cb));
	skb->mark = 7;
	skb->priority = 7;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = 7;
	skb->tstamp = 7;
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	skb_reset_transport_header(skb);
	skb_shinfo(skb)->gso_size = 7;
	skb_shinfo(skb)->gso_segs = 7;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	skb_shinfo(skb)->tx_flags = SKBTX_SW_TSTAMP;
	skb_shinfo(skb)->tskey = 7;
	get_page(page);
	skb_add_rx_frag(skb, 0, page, 0, 100, 1000);
	__skb_header_release(skb);
}

/* a buffer without clones is the next one, and as new; its pages are not held any more */
static void skb__reused(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct sk_buff *skb, *clone, *again;

	KUNIT_ASSERT_NOT_NULL(test, page);
	begin();
	skb = toytcp_recycle_alloc_skb(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	use(skb, page);
	clone = skb_clone(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, clone);
	kfree_skb(clone);
	toytcp_recycle_free_skb(skb);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	again = toytcp_recycle_alloc_skb(GFP_KERNEL);
	KUNIT_ASSERT_PTR_EQ(test, again, skb);
	expect_new(test, again);
	/* it can have a fast clone again */
	clone = skb_clone(again, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, clone);
	KUNIT_EXPECT_EQ(test, (int)clone->fclone, SKB_FCLONE_CLONE);
	kfree_skb(clone);
	kfree_skb(again);
	put_page(page);
	end(test);
}

/* the clone lies in a queue, or the clone's data do: the buffer is not used again */
static void skb__not_while_cloned(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct sk_buff *skb, *clone, *tap, *again;

	KUNIT_ASSERT_NOT_NULL(test, page);
	begin();
	skb = toytcp_recycle_alloc_skb(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	use(skb, page);
	clone = skb_clone(skb, GFP_KERNEL);
	toytcp_recycle_free_skb(skb);
	again = toytcp_recycle_alloc_skb(GFP_KERNEL);
	KUNIT_EXPECT_PTR_NE(test, again, skb);
	KUNIT_EXPECT_EQ(test, skb_shinfo(clone)->nr_frags, 1);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 2);
	kfree_skb(clone);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);

	/* the fast clone is free, what a packet socket made of it is not */
	use(again, page);
	clone = skb_clone(again, GFP_KERNEL);
	tap = skb_clone(clone, GFP_KERNEL);
	kfree_skb(clone);
	toytcp_recycle_free_skb(again);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 2);
	skb = toytcp_recycle_alloc_skb(GFP_KERNEL);
	KUNIT_EXPECT_PTR_NE(test, skb->head, tap->head);
	kfree_skb(tap);
	kfree_skb(skb);
	KUNIT_EXPECT_EQ(test, page_ref_count(page), 1);
	put_page(page);
	end(test);
}

/* what brings more than pages of send()'s is given back the long way */
static void skb__not_with_more(struct kunit *test)
{
	struct sk_buff *skb, *again;

	begin();
	/* none is kept */
	toytcp_recycle_age();
	toytcp_recycle_age();
	skb = toytcp_recycle_alloc_skb(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb->pfmemalloc = 1;
	toytcp_recycle_free_skb(skb);
	again = alloc_skb_fclone(TOYTCP_HEADROOM + 4096, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, again);
	toytcp_recycle_free_skb(again);
	again = toytcp_recycle_alloc_skb(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, again);
	KUNIT_EXPECT_FALSE(test, again->pfmemalloc);
	KUNIT_EXPECT_LT(test, skb_end_offset(again), 4096);
	skb_shinfo(again)->flags = SKBFL_SHARED_FRAG;
	toytcp_recycle_free_skb(again);
	again = alloc_skb(TOYTCP_HEADROOM, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, again);
	toytcp_recycle_free_skb(again);
	skb = toytcp_recycle_alloc_skb(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, (int)skb->fclone, SKB_FCLONE_ORIG);
	kfree_skb(skb);
	end(test);
}

/* more than there is room for */
static void skb__bounded(struct kunit *test)
{
	enum { MANY = 2 * TOYTCP_RECYCLE_SKBS };
	struct sk_buff *skbs[MANY];
	int i, j, same = 0;

	begin();
	for (i = 0; i < MANY; i++) {
		skbs[i] = toytcp_recycle_alloc_skb(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, skbs[i]);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_PTR_NE(test, skbs[i], skbs[j]);
	}
	for (i = 0; i < MANY; i++)
		toytcp_recycle_free_skb(skbs[i]);
	for (i = 0; i < TOYTCP_RECYCLE_SKBS; i++) {
		struct sk_buff *skb = toytcp_recycle_alloc_skb(GFP_KERNEL);

		for (j = 0; j < TOYTCP_RECYCLE_SKBS; j++)
			same += skbs[j] == skb;
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, same, TOYTCP_RECYCLE_SKBS);
	end(test);
}

static struct kunit_case recycle_cases[] = {
	KUNIT_CASE(frag__reused),
	KUNIT_CASE(frag__kept_while_room),
	KUNIT_CASE(frag__bounded),
	KUNIT_CASE(frag__small_not_kept),
	KUNIT_CASE(frag__given_back),
	KUNIT_CASE(frag__shrunk),
	KUNIT_CASE(skb__reused),
	KUNIT_CASE(skb__not_while_cloned),
	KUNIT_CASE(skb__not_with_more),
	KUNIT_CASE(skb__bounded),
	{}
};

static struct kunit_suite recycle_suite = {
	.name = "toytcp_recycle",
	.init = sim_init,
	.exit = sim_exit,
	.test_cases = recycle_cases,
};

kunit_test_suite(recycle_suite);

MODULE_LICENSE("GPL");
