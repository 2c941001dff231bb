/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The subcommands of toytcp. Each lives in a file of its own, cmd_<name>.c,
 * and is entered with argv[0] being its own name, so that getopt() works on
 * it as on a whole program.
 */
#ifndef TOYTCP_CMD_H
#define TOYTCP_CMD_H

/* Exit status, of the command and of every subcommand. */
enum toytcp_exit {
	EXIT_OK = 0,
	EXIT_FAILED = 1,	/* it was understood, and did not work */
	EXIT_USAGE = 2,		/* it was not understood */
};

int cmd_nc(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_stat(int argc, char **argv);

#endif /* TOYTCP_CMD_H */
