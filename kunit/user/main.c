// SPDX-License-Identifier: GPL-2.0
/*
 * The runner of KUnit for user space: every suite that is linked in, one line
 * a case.
 *
 *	ok 7 toytcp_rtt.rtt_sample__by_hand (14 parameters)
 *	# rtt_test.c:101: expected ...
 *	not ok 8 toytcp_rtt.rtt_sample__converges - rtt_test.c:101: expected ...
 *
 * Arguments are names of suites or of suite.case; without any, all run. Exit
 * status 0 if all that ran passed, and anything did run.
 */
#define _GNU_SOURCE
#include <kunit/test.h>
#include <linux/random.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

struct module __this_module;

struct kunit_alloc {
	struct kunit_alloc *next;
	void *mem;
};

static struct kunit_suite *suites;
static char param_desc[KUNIT_PARAM_DESC_SIZE];
static char reason[512];	/* of the case's first failure; "": none */

u64 get_random_u64(void)
{
	const char *seed = getenv("TOYTCP_SEED");
	struct timespec now;

	if (seed)
		return strtoull(seed, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	return ((u64)now.tv_sec << 32 ^ (u64)now.tv_nsec) * 0x9e3779b97f4a7c15ull;
}

/* constructors run in any order; the report is in that of the names */
void kunit_add_suite(struct kunit_suite *suite)
{
	struct kunit_suite **at = &suites;

	while (*at && strcmp((*at)->name, suite->name) < 0)
		at = &(*at)->next;
	suite->next = *at;
	*at = suite;
}

void *kunit_kmalloc(struct kunit *test, size_t size, gfp_t gfp)
{
	struct kunit_alloc *a = malloc(sizeof(*a));

	(void)gfp;
	if (!a)
		abort();
	a->mem = malloc(size);
	if (!a->mem)
		abort();
	a->next = test->allocs;
	test->allocs = a;
	return a->mem;
}

void *kunit_kzalloc(struct kunit *test, size_t size, gfp_t gfp)
{
	return memset(kunit_kmalloc(test, size, gfp), 0, size);
}

static void free_allocs(struct kunit *test)
{
	while (test->allocs) {
		struct kunit_alloc *a = test->allocs;

		test->allocs = a->next;
		free(a->mem);
		free(a);
	}
}

void kunit_fail(struct kunit *test, bool fatal, const char *file, int line,
		const char *fmt, ...)
{
	char where[64 + sizeof(param_desc)], what[256], text[sizeof(reason)];
	va_list args;

	test->failed = true;
	snprintf(where, sizeof(where), "%s:%d:%s%s%s", basename(file), line,
		 param_desc[0] ? " [" : "", param_desc, param_desc[0] ? "]" : "");
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	snprintf(text, sizeof(text), "%s %s", where, what);
	printf("# %s\n", text);
	if (!reason[0])
		memcpy(reason, text, sizeof(reason));
	if (fatal)
		longjmp(test->abort, 1);
}

/* one case with one parameter; true if it passed */
static bool run_once(const struct kunit_suite *suite, const struct kunit_case *c,
		     const void *param)
{
	static struct kunit test;

	memset(&test, 0, sizeof(test));
	test.param_value = param;
	if (suite->init && suite->init(&test)) {
		test.failed = true;
	} else {
		if (!setjmp(test.abort))
			c->run_case(&test);
		if (suite->exit)
			suite->exit(&test);
	}
	free_allocs(&test);
	return !test.failed;
}

/* *runs counts the parameters; true if all passed */
static bool run_case(const struct kunit_suite *suite, const struct kunit_case *c,
		     unsigned int *runs)
{
	const void *param = NULL;
	bool ok = true;

	*runs = 0;
	param_desc[0] = 0;
	reason[0] = 0;
	if (!c->generate_params)
		return run_once(suite, c, NULL);
	while ((param = c->generate_params(param, param_desc))) {
		ok &= run_once(suite, c, param);
		++*runs;
	}
	return ok && *runs;
}

static bool wanted(int argc, char **argv, const struct kunit_suite *suite,
		   const struct kunit_case *c)
{
	char full[256];
	int i;

	snprintf(full, sizeof(full), "%s.%s", suite->name, c->name);
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], suite->name) || !strcmp(argv[i], full))
			return true;
	}
	return argc == 1;
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0, runs;
	struct kunit_suite *suite;
	struct kunit_case *c;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (suite = suites; suite; suite = suite->next) {
		if (suite->suite_init && suite->suite_init(suite)) {
			printf("not ok %u %s\n", passed + ++failed, suite->name);
			continue;
		}
		for (c = suite->test_cases; c->run_case; c++) {
			bool ok;

			if (!wanted(argc, argv, suite, c))
				continue;
			ok = run_case(suite, c, &runs);
			*(ok ? &passed : &failed) += 1;
			printf("%sok %u %s.%s", ok ? "" : "not ", passed + failed,
			       suite->name, c->name);
			if (runs)
				printf(" (%u parameters)", runs);
			printf("%s%s\n", reason[0] ? " - " : "", reason);
		}
		if (suite->suite_exit)
			suite->suite_exit(suite);
	}
	printf("# user space: %u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
