/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the engine needs of the machine: a clock, timers and softirqs.
 *
 * The seam. The engine (layer 1) reaches the outside only through the
 * functions of this header and of ipv4.h. toytcp.ko links os.c and ipv4.c
 * behind them; toytcp_kunit.ko links kunit/sim.c instead, a virtual clock and
 * a simulated link. The choice is the linker's, so it costs a segment
 * nothing.
 */
#ifndef _TOYTCP_OS_H
#define _TOYTCP_OS_H

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/math64.h>
#include <linux/time64.h>
#include <linux/timer.h>
#include <linux/types.h>

/*
 * A one-shot timer. Its expire function runs in softirq context with no lock
 * held. Who arms a timer must take a reference for it before, and drop it if
 * the timer was pending already (the pending one has its own);
 * who cancels a pending one, or runs its expire function, must drop it.
 *
 * The machine's timers are dear compared to a segment, and most that TCP arms
 * never expire. toytcp_timer_put_off() and toytcp_timer_clear() are the lazy pair:
 * they may leave the machine's timer where it is, if that is early enough.
 * Who uses them must ask in the expire function whether the time has come.
 */
struct toytcp_timer {
	union {
		struct timer_list timer;	/* os.c's; what the function gets */
		struct {			/* sim.c's */
			struct list_head pending;
			void (*expire)(struct timer_list *timer);
		};
	};
	u64 expires_us;			/* toytcp_now_us() when it is due; 0: not armed */
};

/* One that is exact to less than a microsecond, not to a jiffy, and never lazy */
struct toytcp_fine_timer {
	union {
		struct hrtimer hrtimer;		/* os.c's; what the function gets */
		struct {			/* sim.c's */
			struct toytcp_timer coarse;
			enum hrtimer_restart (*expire)(struct hrtimer *timer);
		};
	};
};

/*
 * Work for a softirq, soon: what can't be done where it is noticed. Runs with no
 * lock held. Who raises it must not do so again before it has begun to run,
 * and must have taken a reference, which the run function drops.
 */
struct toytcp_softirq {
	struct llist_node node;		/* in the queue of the CPU, or sim.c's */
	void (*run)(struct toytcp_softirq *work);
};

void toytcp_os_init(void);
u64 toytcp_now_us(void);

/* the same clock, in milliseconds and in seconds; both wrap */
static inline u32 toytcp_now_ms(void)
{
	return (u32)div_u64(toytcp_now_us(), USEC_PER_MSEC);
}

static inline u32 toytcp_now_s(void)
{
	return (u32)div_u64(toytcp_now_us(), USEC_PER_SEC);
}

void toytcp_timer_setup(struct toytcp_timer *timer,
			void (*expire)(struct timer_list *timer));
bool toytcp_timer_mod(struct toytcp_timer *timer, u64 now_us, u64 delay_us);
bool toytcp_timer_put_off(struct toytcp_timer *timer, u64 now_us, u64 delay_us);
bool toytcp_timer_clear(struct toytcp_timer *timer);
bool toytcp_timer_del(struct toytcp_timer *timer);

/* is it armed? Also while its expire function waits for a lock */
static inline bool toytcp_timer_pending(const struct toytcp_timer *timer)
{
	return READ_ONCE(timer->expires_us);
}

void toytcp_fine_timer_setup(struct toytcp_fine_timer *timer,
			     enum hrtimer_restart (*expire)(struct hrtimer *timer));
bool toytcp_fine_timer_pending(struct toytcp_fine_timer *timer);
bool toytcp_fine_timer_mod(struct toytcp_fine_timer *timer, u64 delay_us);
bool toytcp_fine_timer_del(struct toytcp_fine_timer *timer);
void toytcp_softirq_setup(struct toytcp_softirq *work,
			  void (*run)(struct toytcp_softirq *work));
void toytcp_softirq_raise(struct toytcp_softirq *work);

#endif /* _TOYTCP_OS_H */
