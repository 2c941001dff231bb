/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit for user space: as much of the kernel's kunit/test.h as the tests of
 * layer 0 use, with the same names and meanings, so that a test file is the
 * same file in both worlds. The runner is main.c.
 *
 * An expectation that fails prints where and what, and the case goes on; an
 * assertion that fails ends the case.
 */
#ifndef _TOYTCP_USER_KUNIT_TEST_H
#define _TOYTCP_USER_KUNIT_TEST_H

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/types.h>
#include <setjmp.h>
#include <stdio.h>

#define KUNIT_PARAM_DESC_SIZE	128
#define GFP_KERNEL		0u

struct kunit_alloc;

struct kunit {
	const void *param_value;	/* the parameter of this run, or NULL */
	void *priv;			/* the suite's */
	bool failed;			/* an expectation did not hold */
	jmp_buf abort;			/* where a failed assertion goes */
	struct kunit_alloc *allocs;	/* freed at the end of the run */
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(const void *prev, char *desc);
};

struct kunit_suite {
	const char *name;
	int (*suite_init)(struct kunit_suite *suite);
	void (*suite_exit)(struct kunit_suite *suite);
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
	struct kunit_suite *next;	/* the runner's */
};

#define KUNIT_CASE(fn)			{ .run_case = fn, .name = #fn }
#define KUNIT_CASE_PARAM(fn, gen) \
	{ .run_case = fn, .name = #fn, .generate_params = gen }

#define KUNIT_ARRAY_PARAM(prefix, array, get_desc)			\
static const void *prefix##_gen_params(const void *prev, char *desc)	\
{									\
	typeof((array)[0]) *next = prev ?				\
		((typeof(next))prev) + 1 : (array);			\
	void (*describe)(typeof(next), char *) = get_desc;		\
	if (next - (array) >= (ptrdiff_t)ARRAY_SIZE(array))		\
		return NULL;						\
	describe(next, desc);						\
	return next;							\
}

void kunit_add_suite(struct kunit_suite *suite);

/* one suite a file is all that we need */
#define kunit_test_suites(suite)					\
static void __attribute__((constructor)) add_suite(void)		\
{									\
	kunit_add_suite(suite);						\
}									\
struct kunit_suite

#define kunit_test_suite(suite)	kunit_test_suites(&(suite))

void *kunit_kmalloc(struct kunit *test, size_t size, gfp_t gfp);
void *kunit_kzalloc(struct kunit *test, size_t size, gfp_t gfp);

__attribute__((format(printf, 5, 6)))
void kunit_fail(struct kunit *test, bool fatal, const char *file, int line,
		const char *fmt, ...);

#define __kunit_fail(test, fatal, fmt, ...) \
	kunit_fail(test, fatal, __FILE__, __LINE__, fmt, ##__VA_ARGS__)

#define KUNIT_FAIL(test, fmt, ...) __kunit_fail(test, false, fmt, ##__VA_ARGS__)

#define __kunit_binary(test, fatal, a, op, b, fmt, ...) do {		\
	const typeof(a) __ku_a = (a);					\
	const typeof(b) __ku_b = (b);					\
	if (!(__ku_a op __ku_b))					\
		__kunit_fail(test, fatal,				\
			     "expected %s " #op " %s, but %lld (%#llx), %lld (%#llx) " fmt, \
			     #a, #b, (s64)__ku_a, (u64)__ku_a,		\
			     (s64)__ku_b, (u64)__ku_b, ##__VA_ARGS__);	\
} while (0)

#define __kunit_bool(test, fatal, cond, want, fmt, ...) do {		\
	bool __ku_cond = (cond);					\
	if (__ku_cond != (want))					\
		__kunit_fail(test, fatal, "expected %s to be %s " fmt,	\
			     #cond, (want) ? "true" : "false", ##__VA_ARGS__); \
} while (0)

#define __kunit_ptr(test, fatal, a, op, b, fmt, ...) do {		\
	const void *__ku_a = (a);					\
	const void *__ku_b = (b);					\
	if (!(__ku_a op __ku_b))					\
		__kunit_fail(test, fatal,				\
			     "expected %s " #op " %s, but %p, %p " fmt,	\
			     #a, #b, __ku_a, __ku_b, ##__VA_ARGS__);	\
} while (0)

#define __kunit_mem(test, fatal, a, b, n, fmt, ...) do {		\
	const void *__ku_a = (a);					\
	const void *__ku_b = (b);					\
	if (memcmp(__ku_a, __ku_b, n))					\
		__kunit_fail(test, fatal,				\
			     "expected %s and %s to hold the same %zu bytes " fmt, \
			     #a, #b, (size_t)(n), ##__VA_ARGS__);	\
} while (0)

#define KUNIT_EXPECT_EQ(t, a, b)	__kunit_binary(t, false, a, ==, b, "")
#define KUNIT_EXPECT_NE(t, a, b)	__kunit_binary(t, false, a, !=, b, "")
#define KUNIT_EXPECT_LT(t, a, b)	__kunit_binary(t, false, a, <, b, "")
#define KUNIT_EXPECT_LE(t, a, b)	__kunit_binary(t, false, a, <=, b, "")
#define KUNIT_EXPECT_GT(t, a, b)	__kunit_binary(t, false, a, >, b, "")
#define KUNIT_EXPECT_GE(t, a, b)	__kunit_binary(t, false, a, >=, b, "")
#define KUNIT_EXPECT_TRUE(t, c)		__kunit_bool(t, false, c, true, "")
#define KUNIT_EXPECT_FALSE(t, c)	__kunit_bool(t, false, c, false, "")
#define KUNIT_EXPECT_NULL(t, p)		__kunit_ptr(t, false, p, ==, NULL, "")
#define KUNIT_EXPECT_NOT_NULL(t, p)	__kunit_ptr(t, false, p, !=, NULL, "")
#define KUNIT_EXPECT_PTR_EQ(t, a, b)	__kunit_ptr(t, false, a, ==, b, "")
#define KUNIT_EXPECT_PTR_NE(t, a, b)	__kunit_ptr(t, false, a, !=, b, "")
#define KUNIT_EXPECT_MEMEQ(t, a, b, n)	__kunit_mem(t, false, a, b, n, "")

#define KUNIT_EXPECT_EQ_MSG(t, a, b, ...) __kunit_binary(t, false, a, ==, b, __VA_ARGS__)
#define KUNIT_EXPECT_NE_MSG(t, a, b, ...) __kunit_binary(t, false, a, !=, b, __VA_ARGS__)
#define KUNIT_EXPECT_LE_MSG(t, a, b, ...) __kunit_binary(t, false, a, <=, b, __VA_ARGS__)
#define KUNIT_EXPECT_GE_MSG(t, a, b, ...) __kunit_binary(t, false, a, >=, b, __VA_ARGS__)
#define KUNIT_EXPECT_TRUE_MSG(t, c, ...) __kunit_bool(t, false, c, true, __VA_ARGS__)
#define KUNIT_EXPECT_FALSE_MSG(t, c, ...) __kunit_bool(t, false, c, false, __VA_ARGS__)
#define KUNIT_EXPECT_MEMEQ_MSG(t, a, b, n, ...) __kunit_mem(t, false, a, b, n, __VA_ARGS__)

#define KUNIT_ASSERT_EQ(t, a, b)	__kunit_binary(t, true, a, ==, b, "")
#define KUNIT_ASSERT_NE(t, a, b)	__kunit_binary(t, true, a, !=, b, "")
#define KUNIT_ASSERT_LE(t, a, b)	__kunit_binary(t, true, a, <=, b, "")
#define KUNIT_ASSERT_GE(t, a, b)	__kunit_binary(t, true, a, >=, b, "")
#define KUNIT_ASSERT_TRUE(t, c)		__kunit_bool(t, true, c, true, "")
#define KUNIT_ASSERT_FALSE(t, c)	__kunit_bool(t, true, c, false, "")
#define KUNIT_ASSERT_NOT_NULL(t, p)	__kunit_ptr(t, true, p, !=, NULL, "")
#define KUNIT_ASSERT_PTR_EQ(t, a, b)	__kunit_ptr(t, true, a, ==, b, "")

#define KUNIT_ASSERT_EQ_MSG(t, a, b, ...) __kunit_binary(t, true, a, ==, b, __VA_ARGS__)
#define KUNIT_ASSERT_NE_MSG(t, a, b, ...) __kunit_binary(t, true, a, !=, b, __VA_ARGS__)
#define KUNIT_ASSERT_LT_MSG(t, a, b, ...) __kunit_binary(t, true, a, <, b, __VA_ARGS__)
#define KUNIT_ASSERT_LE_MSG(t, a, b, ...) __kunit_binary(t, true, a, <=, b, __VA_ARGS__)
#define KUNIT_ASSERT_GE_MSG(t, a, b, ...) __kunit_binary(t, true, a, >=, b, __VA_ARGS__)
#define KUNIT_ASSERT_TRUE_MSG(t, c, ...) __kunit_bool(t, true, c, true, __VA_ARGS__)
#define KUNIT_ASSERT_FALSE_MSG(t, c, ...) __kunit_bool(t, true, c, false, __VA_ARGS__)
#define KUNIT_ASSERT_MEMEQ_MSG(t, a, b, n, ...) __kunit_mem(t, true, a, b, n, __VA_ARGS__)

#endif /* _TOYTCP_USER_KUNIT_TEST_H */
