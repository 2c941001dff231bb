/* SPDX-License-Identifier: GPL-2.0 */
/* The scenarios of kunit/scenarios/, as Kbuild has put them together. */
	.section .rodata
	.globl	scn_data
	.globl	scn_data_end
scn_data:
	.incbin "scenarios.txt"
scn_data_end:
	.byte	0
	.section .note.GNU-stack, "", %progbits
