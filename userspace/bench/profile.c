// SPDX-License-Identifier: GPL-2.0
/*
 * profile - a plugin for QEMU: instructions by translated block, of what bench -m
 * runs. See scripts/bench --profile.
 *
 * QEMU translates code block by block, and tells of each block; a counter of its
 * own is then added to whenever it runs. Two instructions that do nothing
 * (mark_begin, mark_end) say what is measured: at the second one the difference
 * goes to a file OUT.N, N from 0, one line a block: address, instructions, times run.
 *
 * Argument: out=PATH. One processor, so there are no locks. The declarations are those
 * of QEMU's qemu-plugin.h, version 1, which Debian has in no package.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"

#define EXPORT __attribute__((visibility("default")))
#define BUCKETS (1 << 18)

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
					   void (*fn)(uint64_t id, struct qemu_plugin_tb *tb));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op,
					      void *counter, uint64_t more);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*fn)(unsigned int cpu, void *arg),
					    int flags, void *arg);

EXPORT int qemu_plugin_version = 1;

/* the same code may be translated more than once: one counter for all */
struct block {
	struct block *next;
	uint64_t address;
	uint64_t insns;
	uint64_t runs;
	uint64_t runs_before;
};

static struct block *table[BUCKETS];
static const char *out;
static int dumps;

static void begin(unsigned int cpu, void *arg)
{
	struct block *b;
	int i;

	(void)cpu;
	(void)arg;
	for (i = 0; i < BUCKETS; i++)
		for (b = table[i]; b; b = b->next)
			b->runs_before = b->runs;
}

static void end(unsigned int cpu, void *arg)
{
	struct block *b;
	char *path;
	FILE *f;
	int i;

	(void)cpu;
	(void)arg;
	if (asprintf(&path, "%s.%d", out, dumps++) < 0)
		abort();
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		exit(1);
	}
	for (i = 0; i < BUCKETS; i++)
		for (b = table[i]; b; b = b->next)
			if (b->runs != b->runs_before)
				fprintf(f, "%lx %lu %lu\n", b->address, b->insns,
					b->runs - b->runs_before);
	if (fclose(f)) {
		perror(path);
		exit(1);
	}
	free(path);
}

static struct block *block_get(uint64_t address, uint64_t insns)
{
	uint64_t hash = (address * 0x9e3779b97f4a7c15 + insns) >> 40;
	struct block **head = &table[hash % BUCKETS], *b;

	for (b = *head; b; b = b->next)
		if (b->address == address && b->insns == insns)
			return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->address = address;
	b->insns = insns;
	b->next = *head;
	*head = b;
	return b;
}

static bool is(const struct qemu_plugin_insn *insn, const char *mark)
{
	return qemu_plugin_insn_size(insn) == PROFILE_MARK &&
	       !memcmp(qemu_plugin_insn_data(insn), mark, PROFILE_MARK);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	uint64_t insns = qemu_plugin_tb_n_insns(tb);
	struct block *b = block_get(qemu_plugin_tb_vaddr(tb), insns);
	size_t i;

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, 0, &b->runs, 1);
	for (i = 0; i < insns; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is(insn, PROFILE_BEGIN))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, 0, NULL);
		else if (is(insn, PROFILE_END))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, end, 0, NULL);
	}
}

EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv);

EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fprintf(stderr, "profile: out=PATH is wanted\n");
		return 1;
	}
	out = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
