/* SPDX-License-Identifier: GPL-2.0 */
/* User-space stand-in for the kernel's linux/types.h and what it brings in. */
#ifndef _TOYTCP_USER_TYPES_H
#define _TOYTCP_USER_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;
/* libc's own headers want the __ types once they find this header */
typedef uint8_t __u8;
typedef uint16_t __u16;
typedef uint32_t __u32;
typedef unsigned long long __u64;
typedef int8_t __s8;
typedef int16_t __s16;
typedef int32_t __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef unsigned int gfp_t;

#endif /* _TOYTCP_USER_TYPES_H */
