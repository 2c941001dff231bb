// SPDX-License-Identifier: GPL-2.0
/*
 * Rows of errnos: urgent data. Each row is a word of letters, a step each, so
 * that many orders of the same steps can be tried.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "errnos.h"

/* all that can be asked about a mark without moving it */
static void look(int fd)
{
	int mark = -1, avail = -1;

	said("SIOCATMARK", ioctl(fd, SIOCATMARK, &mark));
	said("FIONREAD", ioctl(fd, FIONREAD, &avail));
	rec("mark %d avail %d; ", mark, avail);
	rec_poll(fd);
}

static void take(const char *what, int fd, size_t len, int flags)
{
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	char buf[64] = { 0 };
	int n;

	iov.iov_base = buf;
	iov.iov_len = len;
	n = said(what, recvmsg(fd, &msg, flags | MSG_DONTWAIT));
	if (n >= 0)
		rec("'%.*s' flags %#x; ", n > 0 && !(flags & MSG_TRUNC) ? n : 0,
		    buf, msg.msg_flags);
}

/* what the peer has sent is here: the last byte is in the queue */
static void settle(int from, int to)
{
	(void)to;
	quiesce(from);
}

/*
 * abc... what the peer sends: n a normal "xyz", o "123" with the last byte
 * urgent, 1 one urgent byte, f FIN, r reset; what this end does: A look, B
 * recv() of 64, C of 1, D MSG_OOB, E MSG_OOB|MSG_PEEK, F MSG_OOB with no room,
 * G MSG_PEEK, H MSG_WAITALL of 4, I SO_OOBINLINE on, J off, K shutdown to
 * read, L MSG_OOB|MSG_TRUNC, M MSG_TRUNC.
 */
static void steps(const struct row *r)
{
	const char *step;
	int a, b;

	connect_pair(&a, &b, r->a);
	for (step = r->text; *step; step++) {
		rec("%c: ", *step);
		switch (*step) {
		case 'n': said("send", send(b, "xyz", 3, 0)); settle(b, a); break;
		case 'o': said("send", send(b, "123", 3, MSG_OOB)); settle(b, a); break;
		case '1': said("send", send(b, "!", 1, MSG_OOB)); settle(b, a); break;
		case 'f': shutdown(b, SHUT_WR); wait_for(a, POLLRDHUP); break;
		case 'r': rst_to(a, b); break;
		case 'A': look(a); break;
		case 'B': take("recv", a, 64, 0); break;
		case 'C': take("recv 1", a, 1, 0); break;
		case 'D': take("OOB", a, 1, MSG_OOB); break;
		case 'E': take("OOB|PEEK", a, 1, MSG_OOB | MSG_PEEK); break;
		case 'F': take("OOB 0", a, 0, MSG_OOB); break;
		case 'G': take("PEEK", a, 64, MSG_PEEK); break;
		case 'H': take("WAITALL", a, 4, MSG_WAITALL); break;
		case 'I': set_int(a, SOL_SOCKET, SO_OOBINLINE, 1); break;
		case 'J': set_int(a, SOL_SOCKET, SO_OOBINLINE, 0); break;
		case 'K': shutdown(a, SHUT_RD); break;
		case 'L': take("OOB|TRUNC", a, 1, MSG_OOB | MSG_TRUNC); break;
		case 'M': take("TRUNC", a, 64, MSG_TRUNC); break;
		}
	}
}

/* signals: SIGURG to the owner, only to the owner, once a mark */
static void signalled(const struct row *r)
{
	int a, b, i;

	connect_pair(&a, &b, r->a);
	catch(SIGURG, 0);
	if (r->b)
		said("F_SETOWN", fcntl(a, F_SETOWN, r->b == 1 ? getpid() :
				       -getpgrp()));
	rec("owner %d; ", fcntl(a, F_GETOWN) == getpid());
	for (i = 0; i < 3; i++) {
		said("send", send(b, "abc", 3, i == 1 ? 0 : MSG_OOB));
		settle(b, a);
		rec("SIGURG %d; ", (int)signals);
	}
}

static void send_oob_state(const struct row *r)
{
	int peer, fd = in_state(r->a, &peer);

	quiesce(fd);
	said("send OOB", send(fd, "abc", 3, MSG_OOB | MSG_NOSIGNAL | MSG_DONTWAIT));
	said("recv OOB", recv(fd, &peer, 1, MSG_OOB | MSG_DONTWAIT));
	look(fd);
}

/* a blocking read at the mark, with a signal pending */
static void interrupted_at_mark(const struct row *r)
{
	char buf[16];
	int a, b;

	connect_pair(&a, &b, r->a);
	said("send", send(b, "abc", 3, MSG_OOB));
	settle(b, a);
	said("recv", recv(a, buf, sizeof(buf), 0));
	interrupt_after(100, 0);
	said("recv", recv(a, buf, sizeof(buf), 0));
	said("recv OOB", recv(a, buf, 1, MSG_OOB));
	look(a);
}

void add_urgent_rows(void)
{
	static const char *const words[] = {
		"A", "D", "E", "oA", "oAD", "oADA", "oADD", "oAED", "oAEED",
		"oABA", "oABADA", "oABDA", "oABAB", "oABABA", "oDABABA",
		"onABA", "onABABA", "onABADABA", "onDABABA", "noABA", "noDABABA",
		"nonABADABA", "noonA", "noonABABA", "noonDABABA", "oDoDA",
		"oDoDABABA", "oBDoA", "oBDoABABA", "oBoABABA", "oBDnABA",
		"oCA", "oCCA", "oCCCA", "onCCCCA", "onDCCCCA", "1A", "1AD",
		"1ABA", "1DABA", "11DABA", "1D1DABA", "1n1nABABABA",
		"1DnBA", "oF", "oFDA", "oL", "oLDA", "oGA", "oGDGA", "oBGA",
		"onGBGBA", "oBnGA", "onHA", "onHHA", "noHHA", "IoA", "IoADA",
		"IoABA", "IoABABA", "IonABABA", "IoGBGBA", "oIA", "oIDA", "oIABABA",
		"oDIABABA", "IoJDABABA", "oBIABA", "oBIBA", "of", "ofA", "ofDA",
		"ofABABA", "ofDABABA", "1fABA", "1fDABA", "oK", "oKA", "oKDA",
		"orA", "orDA", "orBA", "nrDA", "oBrDA", "oMA", "onMMA", "onDMMA",
		"noBoBoBA", "oBDoBDoBDA", "oooooDA", "oooooABABA",
	};
	static const char *const owner[] = { "none", "process", "group" };
	unsigned int i, j;
	struct row *r;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		for (j = 0; j < 2; j++) {
			r = add(steps, "urgent: %s%s", words[i],
				j ? ", accepted" : "");
			r->text = words[i];
			r->a = j;
		}
	for (i = 0; i < 3; i++) {
		r = add(signalled, "urgent: SIGURG, owner %s", owner[i]);
		r->a = i & 1;
		r->b = i;
	}
	for (i = 0; i < STATES; i++)
		add(send_oob_state, "urgent: %s", state_names[i])->a = i;
	add(interrupted_at_mark, "urgent: signal at the mark");
}
