// SPDX-License-Identifier: GPL-2.0
/*
 * toytcp: one command for what one does with AF_TOYTCP from a shell. This
 * file only finds the subcommand; see cmd.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "nc", cmd_nc, "a connection by hand: standard input and output" },
	{ "run", cmd_run, "run a program with AF_TOYTCP in place of its TCP" },
	{ "stat", cmd_stat, "list the sockets of this network namespace" },
};

static void usage(FILE *out)
{
	size_t i;

	fputs("usage: toytcp COMMAND [ARGUMENT]...\n"
	      "       toytcp --help | --version\n"
	      "\n"
	      "commands:\n", out);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-6s %s\n", commands[i].name,
			commands[i].summary);
	fputs("\n'toytcp COMMAND --help' says more.\n", out);
}

/* Output that could not be written (a full disk) is a failure. */
static int finish(int status)
{
	if (fclose(stdout) && status == EXIT_OK) {
		perror("toytcp: standard output");
		return EXIT_FAILED;
	}
	return status;
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(stdout);
		return finish(EXIT_OK);
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("toytcp " TOYTCP_VERSION);
		return finish(EXIT_OK);
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return finish(commands[i].run(argc - 1, argv + 1));

	fprintf(stderr, "toytcp: no command '%s'\n", argv[1]);
	usage(stderr);
	return EXIT_USAGE;
}
