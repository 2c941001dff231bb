// SPDX-License-Identifier: GPL-2.0
/*
 * The machine's clock, timers and softirqs, behind os.h.
 *
 * Lower edge (layer 2). No locks of its own. timer_list is exact to a
 * jiffy, hrtimer as exact as the hardware; each is what the kernel's TCP uses
 * for the same timers.
 */
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/llist.h>
#include <linux/math64.h>
#include <linux/percpu.h>

#include "compat.h"
#include "os.h"

/**
 * toytcp_now_us() - the engine's clock
 *
 * Context: any.
 * Return: microseconds since boot, monotonic.
 */
u64 toytcp_now_us(void)
{
	return div_u64(ktime_get_ns(), NSEC_PER_USEC);
}

/**
 * toytcp_timer_setup() - prepare a timer
 * @timer: the timer
 * @expire: runs in softirq context at expiry, and gets the timer's first member
 *
 * Context: any.
 */
void toytcp_timer_setup(struct toytcp_timer *timer,
			void (*expire)(struct timer_list *timer))
{
	timer->expires_us = 0;
	timer_setup(&timer->timer, expire, 0);
}

/**
 * toytcp_timer_mod() - arm a timer, or move it
 * @timer: the timer
 * @now_us: the clock, read a moment ago
 * @delay_us: microseconds from now; rounded up to a jiffy
 *
 * Context: any.
 * Return: true if it was pending before (its reference stays the same one).
 */
bool toytcp_timer_mod(struct toytcp_timer *timer, u64 now_us, u64 delay_us)
{
	unsigned long delay = nsecs_to_jiffies(delay_us * NSEC_PER_USEC);

	WRITE_ONCE(timer->expires_us, now_us + delay_us);
	return mod_timer(&timer->timer, jiffies + delay + 1);
}

/**
 * toytcp_timer_put_off() - move a pending timer, lazily
 * @timer: the timer
 * @now_us: the clock
 * @delay_us: microseconds from then
 *
 * Context: any; the owner's lock held.
 * Return: false if it is not pending, or would expire too late; then nothing
 * is arranged, and toytcp_timer_mod() is the way.
 */
bool toytcp_timer_put_off(struct toytcp_timer *timer, u64 now_us, u64 delay_us)
{
	unsigned long at = jiffies + 1 + nsecs_to_jiffies(delay_us * NSEC_PER_USEC);

	WRITE_ONCE(timer->expires_us, now_us + delay_us);
	return timer_pending(&timer->timer) &&
	       !time_before(at, timer->timer.expires);
}

/**
 * toytcp_timer_clear() - disarm a timer lazily
 * @timer: the timer
 *
 * Context: any; the owner's lock held.
 * Return: true if the caller now owns its reference.
 */
bool toytcp_timer_clear(struct toytcp_timer *timer)
{
	WRITE_ONCE(timer->expires_us, 0);
	return false;
}

/**
 * toytcp_timer_del() - disarm a timer without waiting
 * @timer: the timer
 *
 * Context: any. The expire function may still be running.
 * Return: true if it was pending; the caller then owns its reference.
 */
bool toytcp_timer_del(struct toytcp_timer *timer)
{
	WRITE_ONCE(timer->expires_us, 0);
	return timer_delete(&timer->timer);
}

/**
 * toytcp_fine_timer_setup() - prepare a timer for intervals below a jiffy
 * @timer: the timer
 * @expire: runs in softirq context at expiry, and gets the timer's first member
 *
 * Context: any.
 */
void toytcp_fine_timer_setup(struct toytcp_fine_timer *timer,
			     enum hrtimer_restart (*expire)(struct hrtimer *timer))
{
	hrtimer_setup(&timer->hrtimer, expire, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_PINNED_SOFT);
}

/**
 * toytcp_fine_timer_pending() - is it armed?
 * @timer: the timer
 *
 * Context: any.
 * Return: false from the moment when its expire function begins.
 */
bool toytcp_fine_timer_pending(struct toytcp_fine_timer *timer)
{
	return hrtimer_is_queued(&timer->hrtimer);
}

/**
 * toytcp_fine_timer_mod() - arm a fine timer, or move it
 * @timer: the timer
 * @delay_us: microseconds from now
 *
 * Context: any.
 * Return: true if it was pending before (its reference stays the same one).
 */
bool toytcp_fine_timer_mod(struct toytcp_fine_timer *timer, u64 delay_us)
{
	bool was_pending = hrtimer_try_to_cancel(&timer->hrtimer) == 1;
	u64 at_us = toytcp_now_us() + delay_us;

	hrtimer_start(&timer->hrtimer, ns_to_ktime(at_us * NSEC_PER_USEC),
		      HRTIMER_MODE_ABS_PINNED_SOFT);
	return was_pending;
}

/**
 * toytcp_fine_timer_del() - disarm a fine timer without waiting
 * @timer: the timer
 *
 * Context: any. The expire function may still be running.
 * Return: true if it was pending; the caller then owns its reference.
 */
bool toytcp_fine_timer_del(struct toytcp_fine_timer *timer)
{
	return hrtimer_try_to_cancel(&timer->hrtimer) == 1;
}

/* what was raised on a CPU; its tasklet is scheduled while there is something */
struct softirq_queue {
	struct llist_head raised;
	struct tasklet_struct tasklet;
};

static void softirq_queue_fn(struct tasklet_struct *t)
{
	struct softirq_queue *q = container_of(t, struct softirq_queue, tasklet);
	struct toytcp_softirq *work, *next;
	struct llist_node *oldest;

	oldest = llist_reverse_order(llist_del_all(&q->raised));
	llist_for_each_entry_safe(work, next, oldest, node)
		work->run(work);
}

static DEFINE_PER_CPU(struct softirq_queue, softirq_queues);

/**
 * toytcp_os_init() - module load: the queues of softirq work
 *
 * At run time: a module's initial values of a CPU's variables have no pointers.
 *
 * Context: process.
 */
void __init toytcp_os_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		tasklet_setup(&per_cpu_ptr(&softirq_queues, cpu)->tasklet,
			      softirq_queue_fn);
}

/**
 * toytcp_softirq_setup() - prepare work for a softirq
 * @work: the work
 * @run: runs in softirq context once raised
 *
 * Context: any.
 */
void toytcp_softirq_setup(struct toytcp_softirq *work,
			  void (*run)(struct toytcp_softirq *work))
{
	work->run = run;
}

/**
 * toytcp_softirq_raise() - have it run
 * @work: the work, not raised already; with a reference to what it is part of
 *
 * Context: any.
 */
void toytcp_softirq_raise(struct toytcp_softirq *work)
{
	struct softirq_queue *q = get_cpu_ptr(&softirq_queues);

	if (llist_add(&work->node, &q->raised))
		tasklet_schedule(&q->tasklet);
	put_cpu_ptr(&softirq_queues);
}
