/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * AF_TOYTCP: what a program needs to know. The only header to include.
 *
 *	int fd = socket(AF_TOYTCP, SOCK_STREAM, 0);
 *
 * Addresses are struct sockaddr_in; sin_family may be AF_INET or AF_TOYTCP,
 * and addresses that come back say AF_INET. Socket options keep the levels,
 * numbers and structs of the kernel's TCP (SOL_SOCKET, IPPROTO_TCP,
 * IPPROTO_IP).
 */
#ifndef _UAPI_TOYTCP_H
#define _UAPI_TOYTCP_H

/*
 * sock_register() takes no number at or above AF_MAX, and every number below
 * is named; 18 is AF_ASH, which no kernel implements.
 */
#define AF_TOYTCP	18
#define PF_TOYTCP	AF_TOYTCP

/*
 * Options that no other family has: setsockopt(fd, SOL_TOYTCP, ...), an int.
 *
 * TOYTCP_V4_MAPPED: 1, before the socket has an address: it shall look like
 * one of AF_INET6 that talks IPv4. From then on addresses are struct
 * sockaddr_in6, :: or IPv4-mapped, here and in what accept() returns.
 */
#define SOL_TOYTCP		1818
#define TOYTCP_V4_MAPPED	1

#endif /* _UAPI_TOYTCP_H */
