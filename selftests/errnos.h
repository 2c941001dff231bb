/* SPDX-License-Identifier: GPL-2.0 */
/*
 * errnos: the rows, and what they share. A row is a short program of system
 * calls that writes down (rec, said) all that the calls said; errnos.c runs it
 * once with each family.
 */
#ifndef SELFTESTS_ERRNOS_H
#define SELFTESTS_ERRNOS_H

#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>

#include "common.h"

/* How long an event that must come may take, under emulation too. */
#define SETTLE_MS 4000

struct row {
	char name[120];
	void (*run)(const struct row *row);
	long a, b, c;
	const char *text;
	const char *later;	/* what AF_TOYTCP does not have yet */
	const char *must;	/* the answer of a deliberate deviation */
	bool with_peer;		/* what the peer is, can matter */
};

/* A row more; its arguments are the caller's to set. */
struct row *add(void (*run)(const struct row *), const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Of each file its rows. */
void add_socket_rows(void);
void add_address_rows(void);
void add_bind_rows(void);
void add_listen_rows(void);
void add_connect_rows(void);
void add_state_rows(void);
void add_data_rows(void);
void add_urgent_rows(void);
void add_name_rows(void);
void add_option_rows(void);
void add_rto_max_rows(void);
void add_fastopen_rows(void);
void add_core_rows(void);
void add_mapped_rows(void);
void add_info_rows(void);
void add_reuseport_rows(void);

/* The option TOYTCP_V4_MAPPED itself, which no other family has. */
void own_option(const struct row *row);

/* This side of the comparison: the socket under test and its peer. */
extern int fam, peer_fam;
/* What the row has written down. */
extern char *transcript;
#define TRANSCRIPT_BYTES 8192
/* Where a row goes that cannot go on. */
extern jmp_buf row_end;

/* A pointer into nothing, and -1, that the compiler does not see through. */
extern void *volatile bad_pointer;
extern volatile long minus_one;
#define BAD bad_pointer

#define SA(sin) ((struct sockaddr *)&(sin))

enum state {
	FRESH, BOUND, LISTENING, LISTENING_WAITING, ESTABLISHED, ACCEPTED, DATA,
	WR_SHUT, RD_SHUT, RDWR_SHUT, PEER_FIN, PEER_FIN_DATA, BOTH_FIN,
	PEER_FIN_THEN_WR, RESET, RESET_DATA, REFUSED, STATES,
};

extern const char *const state_names[STATES];

void rec(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
long said(const char *what, long ret);
int said_fd(const char *what, int fd);
int need(const char *what, int ret);
struct sockaddr_in at(const char *addr, unsigned int port);
int new_sock(void);
int new_peer(void);
void set_int(int fd, int level, int option, int value);
int get_int(int fd, int level, int option);
void nonblock(int fd);
struct sockaddr_in name_of(int fd);
void listen_on(int fd, const char *addr);
void wait_for(int fd, short events);
void connect_pair(int *a, int *b, bool accepted);
void pair(int *a, int *b);
void put(int fd, size_t len);
void give(int from, int to, size_t len);
void rst_to(int fd, int peer);
void rec_events(const char *what, unsigned int revents);
void rec_poll(int fd);
void rec_error(int fd);
bool is_over(int fd);
void rec_state(int fd);
void catch(int sig, int flags);
void interrupt_after(unsigned int ms, int flags);
void no_more_signals(void);
int waiting_listener(int *peer);
struct sockaddr_in nowhere(void);
int in_state(enum state state, int *peer);
void quiesce(int fd);

/* Signals that a row has caught. */
extern volatile sig_atomic_t signals;

#endif /* SELFTESTS_ERRNOS_H */
