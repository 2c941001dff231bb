// SPDX-License-Identifier: GPL-2.0
/*
 * toytcp.ko as one unit of compilation.
 *
 * A segment crosses some hundred functions in thirty files, each with one job.
 * Compiled file by file, the calls between them are a fifteenth of what TCP
 * costs (docs/performance.md); compiled as one, those that matter are inlined.
 * So no two files have a static name or a macro in common; the compiler says
 * where the other one is. toytcp_kunit.ko is compiled file by file, since it
 * puts others in the place of some functions: there each file shows that it
 * includes what it needs.
 *
 * -fwhole-program makes everything static but what is called from outside, by
 * the kernel or by modules that register a congestion control: that is said here.
 *
 * Locks: none.
 */
#include <linux/module.h>

#include "cong.h"

__visible typeof(init_module) init_module;
__visible typeof(cleanup_module) cleanup_module;
__visible typeof(toytcp_cong_register) toytcp_cong_register;
__visible typeof(toytcp_cong_unregister) toytcp_cong_unregister;
__visible typeof(toytcp_cong_grow) toytcp_cong_grow;
__visible typeof(toytcp_cong_slow_start) toytcp_cong_slow_start;
__visible typeof(toytcp_cong_ai) toytcp_cong_ai;

/* every file of the module, from the lists in Kbuild */
#include "whole_files.h"
