// SPDX-License-Identifier: GPL-2.0
/*
 * The keys of all hashes that a peer must not foretell.
 *
 * Engine (layer 1). Locks: none; the keys are written once, before anything reads.
 */
#include <linux/random.h>

#include "secret.h"

struct toytcp_secret toytcp_secret;

/**
 * toytcp_secret_init() - module load, first: draw the keys
 *
 * Waits until the random number generator has been seeded: a module that is
 * loaded early in boot must not have keys that can be guessed.
 *
 * Context: process; may sleep.
 * Return: 0, or -ERESTARTSYS when a signal ends the wait.
 */
int toytcp_secret_init(void)
{
	return get_random_bytes_wait(&toytcp_secret, sizeof(toytcp_secret));
}
