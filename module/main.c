// SPDX-License-Identifier: GPL-2.0
/*
 * Entry: the order in which the parts come up, and the reverse.
 *
 * Entry (layer 3). Coming up: secrets, memory, namespaces, packets, and only
 * then the family, so that nobody meets half a module. Going down: no new
 * sockets, no packets, what lives by itself ends (namespaces), the last memory
 * comes back (toytcp_sock_exit() waits for it).
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/net.h>

#include "af_toytcp.h"
#include "cong.h"
#include "ipv4.h"
#include "listen.h"
#include "netns.h"
#include "os.h"
#include "recycle.h"
#include "secret.h"
#include "sock.h"
#include "timewait.h"
#include "toytcp.h"

static int __init toytcp_module_init(void)
{
	int err;

	toytcp_os_init();
	err = toytcp_secret_init();
	if (err)
		return err;
	err = toytcp_cong_builtin_init();
	if (err)
		return err;
	err = toytcp_listen_init();
	if (err)
		goto cong;
	err = toytcp_timewait_init();
	if (err)
		goto listen;
	err = toytcp_recycle_init();
	if (err)
		goto timewait;
	err = toytcp_sock_init();
	if (err)
		goto recycle;
	err = toytcp_port_init();
	if (err)
		goto sock;
	err = toytcp_netns_init();
	if (err)
		goto port;
	err = toytcp_family_register();
	if (err)
		goto netns;
	return 0;

netns:
	toytcp_netns_exit();
port:
	toytcp_port_exit();
sock:
	toytcp_sock_exit();
recycle:
	toytcp_recycle_exit();
timewait:
	toytcp_timewait_exit();
listen:
	toytcp_listen_exit();
cong:
	toytcp_cong_builtin_exit();
	return err;
}

static void __exit toytcp_module_exit(void)
{
	toytcp_family_unregister();
	toytcp_ipv4_stop();
	toytcp_netns_exit();
	toytcp_ipv4_exit();
	toytcp_port_exit();
	toytcp_sock_exit();
	toytcp_recycle_exit();
	toytcp_timewait_exit();
	toytcp_listen_exit();
	toytcp_cong_builtin_exit();
}

module_init(toytcp_module_init);
module_exit(toytcp_module_exit);

MODULE_DESCRIPTION("AF_TOYTCP: a socket family with a TCP of its own");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NETPROTO(PF_TOYTCP);
