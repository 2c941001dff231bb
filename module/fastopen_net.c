// SPDX-License-Identifier: GPL-2.0
/*
 * TCP Fast Open: the keys of a namespace's cookies, and the cookies that
 * others gave us.
 *
 * Side (layer 2). RFC 7413 sections 4.1.2 and 4.1.3. Locks: keys are read
 * under RCU; the cache has a spinlock.
 *
 * The cache is of bounded size: a hash of TOYTCP_FASTOPEN_BUCKETS times
 * TOYTCP_FASTOPEN_DEPTH peers at most, and in a full bucket the one that was
 * used last the longest ago makes room. A peer is, as with Linux, a pair of
 * addresses.
 */
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/sysctl.h>

#include "compat.h"
#include "fastopen.h"
#include "netns.h"
#include "os.h"
#include "secret.h"

/* "01234567-01234567-01234567-01234567", a comma or the final 0 behind each */
#define KEYS_TEXT	(TOYTCP_FASTOPEN_KEYS * 36)

/* A peer that has answered an open of ours; toytcp_fastopen_net.lock */
struct toytcp_fastopen_peer {
	struct hlist_node node;
	__be32 laddr;			/* our address */
	__be32 faddr;			/* the peer's */
	u64 used_us;			/* when it was looked up or changed last */
	u16 mss;			/* its MSS option, bytes; 0: none heard */
	struct toytcp_fastopen_cookie cookie; /* len > 0, or none */
};

/**
 * toytcp_fastopen_keys_alloc() - keys from their bytes
 * @bytes: @n times TOYTCP_FASTOPEN_KEY of them, as Linux has them in memory
 * @n: 1 or 2
 *
 * Context: process.
 * Return: the keys, which are the caller's, or NULL.
 */
struct toytcp_fastopen_keys *toytcp_fastopen_keys_alloc(const u8 *bytes, int n)
{
	struct toytcp_fastopen_keys *keys = kzalloc(sizeof(*keys), GFP_KERNEL);
	__le64 half[2];
	int i;

	if (!keys)
		return NULL;
	for (i = 0; i < n; i++) {
		memcpy(half, bytes + i * sizeof(half), sizeof(half));
		keys->key[i].key[0] = le64_to_cpu(half[0]);
		keys->key[i].key[1] = le64_to_cpu(half[1]);
	}
	keys->n = n;
	return keys;
}

/**
 * toytcp_fastopen_keys_bytes() - the bytes of keys
 * @keys: the keys
 * @bytes: room for all there may be
 *
 * Context: any; @keys cannot go.
 * Return: bytes.
 */
int toytcp_fastopen_keys_bytes(const struct toytcp_fastopen_keys *keys,
			       u8 *bytes)
{
	__le64 half[2];
	int i;

	for (i = 0; i < keys->n; i++) {
		half[0] = cpu_to_le64(keys->key[i].key[0]);
		half[1] = cpu_to_le64(keys->key[i].key[1]);
		memcpy(bytes + i * sizeof(half), half, sizeof(half));
	}
	return keys->n * TOYTCP_FASTOPEN_KEY;
}

static struct toytcp_net *table_tn(compat_ctl_table *table)
{
	return container_of(table->data, struct toytcp_net, sysctl);
}

static int keys_replace(struct toytcp_net *tn, const u8 *bytes, int n)
{
	struct toytcp_fastopen_keys *keys = toytcp_fastopen_keys_alloc(bytes, n);

	if (!keys)
		return -ENOMEM;
	keys = unrcu_pointer(xchg(&tn->fastopen.keys, RCU_INITIALIZER(keys)));
	kfree_rcu(keys, rcu);
	return 0;
}

/* four words in hexadecimal; their bytes are those of the words, low ones first */
static int key_parse(const char *text, u8 *bytes)
{
	u32 word[4];
	int i;

	if (sscanf(text, "%x-%x-%x-%x", &word[0], &word[1], &word[2],
		   &word[3]) != 4)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(word); i++)
		memcpy(bytes + 4 * i, &(__le32){ cpu_to_le32(word[i]) }, 4);
	return 0;
}

static void keys_print(const struct toytcp_net *tn, char *text)
{
	__le32 word[TOYTCP_FASTOPEN_KEYS * 4];
	int i, n, off = 0;

	rcu_read_lock();
	n = toytcp_fastopen_keys_bytes(rcu_dereference(tn->fastopen.keys),
				       (u8 *)word) / sizeof(word[0]);
	rcu_read_unlock();
	for (i = 0; i < n; i++)
		off += scnprintf(text + off, KEYS_TEXT - off, "%08x%s",
				 le32_to_cpu(word[i]), i == n - 1 ? "" :
				 i % 4 == 3 ? "," : "-");
}

/**
 * toytcp_fastopen_sysctl_key() - net.toytcp.fastopen_key
 * @table: data is the namespace's struct toytcp_sysctl
 * @write: a write
 * @buffer: the text: a key, or the one to use and the one before it, comma between
 * @lenp: its length
 * @ppos: file position
 *
 * Context: process.
 * Return: 0 or negative errno.
 */
int toytcp_fastopen_sysctl_key(compat_ctl_table *table, int write,
			       void *buffer, size_t *lenp, loff_t *ppos)
{
	u8 bytes[TOYTCP_FASTOPEN_KEYS * TOYTCP_FASTOPEN_KEY];
	struct toytcp_net *tn = table_tn(table);
	char keys[KEYS_TEXT] = {}, *second;
	struct ctl_table text = { .data = keys, .maxlen = sizeof(keys) };
	int err;

	keys_print(tn, keys);
	err = proc_dostring(&text, write, buffer, lenp, ppos);
	if (err || !write)
		return err;
	second = strchr(keys, ',');
	if (second)
		*second++ = 0;
	if (key_parse(keys, bytes) ||
	    (second && key_parse(second, bytes + TOYTCP_FASTOPEN_KEY)))
		return -EINVAL;
	return keys_replace(tn, bytes, second ? 2 : 1);
}

/**
 * toytcp_fastopen_sysctl_timeout() - net.toytcp.fastopen_blackhole_timeout_sec
 * @table: data is the value
 * @write: a write; black holes are then forgotten, as with Linux
 * @buffer: the text
 * @lenp: its length
 * @ppos: file position
 *
 * Context: process.
 * Return: 0 or negative errno.
 */
int toytcp_fastopen_sysctl_timeout(compat_ctl_table *table, int write,
				   void *buffer, size_t *lenp, loff_t *ppos)
{
	struct toytcp_net *tn =
		container_of(table->data, struct toytcp_net,
			     sysctl.fastopen_blackhole_timeout_sec);
	int err = proc_dointvec_minmax(table, write, buffer, lenp, ppos);

	if (!err && write)
		atomic_set(&tn->fastopen.off_times, 0);
	return err;
}

/* ---- the cache ---- */

static struct hlist_head *bucket(struct toytcp_fastopen_net *fn,
				 const struct toytcp_flow_key *key)
{
	u64 hash = siphash_2u32((__force u32)key->laddr,
				(__force u32)key->faddr, &toytcp_secret.isn);

	return &fn->peers[hash % TOYTCP_FASTOPEN_BUCKETS];
}

static struct toytcp_fastopen_peer *peer_find(struct hlist_head *head,
					      const struct toytcp_flow_key *key)
{
	struct toytcp_fastopen_peer *peer;

	hlist_for_each_entry(peer, head, node)
		if (peer->faddr == key->faddr && peer->laddr == key->laddr)
			return peer;
	return NULL;
}

/* a new peer in a bucket, if need be in the place of the eldest one */
static struct toytcp_fastopen_peer *peer_add(struct hlist_head *head,
					     const struct toytcp_flow_key *key)
{
	struct toytcp_fastopen_peer *peer, *eldest = NULL;
	int n = 0;

	hlist_for_each_entry(peer, head, node) {
		if (!eldest || peer->used_us < eldest->used_us)
			eldest = peer;
		n++;
	}
	if (n < TOYTCP_FASTOPEN_DEPTH) {
		peer = kmalloc(sizeof(*peer), GFP_ATOMIC);
		if (!peer)
			return NULL;
		hlist_add_head(&peer->node, head);
	} else {
		peer = eldest;
	}
	peer->laddr = key->laddr;
	peer->faddr = key->faddr;
	peer->mss = 0;
	peer->cookie.len = 0;
	return peer;
}

/**
 * toytcp_fastopen_peer_get() - what is known of a peer
 * @net: the namespace
 * @key: the connection's ends
 * @mss: becomes its MSS option's value, if that is known; bytes
 * @cookie: becomes its cookie, or of length 0
 *
 * Context: process or softirq.
 */
void toytcp_fastopen_peer_get(struct net *net, const struct toytcp_flow_key *key,
			      u16 *mss, struct toytcp_fastopen_cookie *cookie)
{
	struct toytcp_fastopen_net *fn = &toytcp_net(net)->fastopen;
	struct toytcp_fastopen_peer *peer;

	cookie->len = 0;
	spin_lock_bh(&fn->lock);
	peer = peer_find(bucket(fn, key), key);
	if (peer) {
		peer->used_us = toytcp_now_us();
		*cookie = peer->cookie;
		*mss = peer->mss ?: *mss;
	}
	spin_unlock_bh(&fn->lock);
}

/**
 * toytcp_fastopen_peer_set() - a peer has answered
 * @net: the namespace
 * @key: the connection's ends
 * @mss: its MSS option's value, bytes; 0: there was none
 * @cookie: its cookie; of no length: what was known stays
 *
 * Without memory nothing is remembered.
 *
 * Context: process or softirq.
 */
void toytcp_fastopen_peer_set(struct net *net, const struct toytcp_flow_key *key,
			      u16 mss,
			      const struct toytcp_fastopen_cookie *cookie)
{
	struct toytcp_fastopen_net *fn = &toytcp_net(net)->fastopen;
	struct hlist_head *head = bucket(fn, key);
	struct toytcp_fastopen_peer *peer;

	spin_lock_bh(&fn->lock);
	peer = peer_find(head, key) ?: peer_add(head, key);
	if (peer) {
		peer->used_us = toytcp_now_us();
		peer->mss = mss ?: peer->mss;
		if (cookie->len > 0)
			peer->cookie = *cookie;
	}
	spin_unlock_bh(&fn->lock);
}

/**
 * toytcp_fastopen_net_init() - a namespace's keys and cache
 * @net: the namespace
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int toytcp_fastopen_net_init(struct net *net)
{
	struct toytcp_net *tn = toytcp_net(net);
	u8 bytes[TOYTCP_FASTOPEN_KEY];
	int i;

	spin_lock_init(&tn->fastopen.lock);
	for (i = 0; i < TOYTCP_FASTOPEN_BUCKETS; i++)
		INIT_HLIST_HEAD(&tn->fastopen.peers[i]);
	atomic_set(&tn->fastopen.off_times, 0);
	get_random_bytes(bytes, sizeof(bytes));
	return keys_replace(tn, bytes, 1);
}

/**
 * toytcp_fastopen_net_exit() - a namespace ends
 * @net: the namespace, without sockets and packets
 *
 * Context: process.
 */
void toytcp_fastopen_net_exit(struct net *net)
{
	struct toytcp_fastopen_net *fn = &toytcp_net(net)->fastopen;
	struct toytcp_fastopen_peer *peer;
	struct hlist_node *next;
	int i;

	for (i = 0; i < TOYTCP_FASTOPEN_BUCKETS; i++)
		hlist_for_each_entry_safe(peer, next, &fn->peers[i], node)
			kfree(peer);
	kfree(rcu_dereference_protected(fn->keys, true));
}
