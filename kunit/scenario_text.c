// SPDX-License-Identifier: GPL-2.0
/*
 * The text of the scenarios: files, blocks, macros, tables; see scenario.h
 * and docs/scenarios.md.
 */
#include <linux/ctype.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "scenario.h"

#define EXPAND_MAX	400	/* lines of one case */
#define EXPAND_DEPTH	8	/* macros in macros */
#define ROW_TEXT	4096	/* bytes that the lines of a row take */

/*
 * Marks: for this lane and this TCP? *text moves behind them. What stands in
 * brackets and is no mark is left to the parser to complain about.
 */
static bool marks_hold(const char **text)
{
	static const struct {
		const char *word;
		bool holds;
	} marks[] = {
		{ "[toytcp]", true }, { "[linux]", false },
		{ "[kunit]", true }, { "[wire]", false },
	};
	bool holds = true, found;
	int i;

	do {
		found = false;
		for (i = 0; i < ARRAY_SIZE(marks); i++) {
			size_t n = strlen(marks[i].word);

			if (strncmp(*text, marks[i].word, n))
				continue;
			holds &= marks[i].holds;
			*text = skip_spaces(*text + n);
			found = true;
		}
	} while (found);
	return holds;
}

/* ---- files into lines, lines into blocks and cases ---- */

/* cut a comment off, and what is white around the rest */
static char *bare(char *s)
{
	char *comment = strstr(s, "//");

	if (comment)
		*comment = 0;
	return strim(s);
}

static bool name_ok(const char *s)
{
	size_t n = strlen(s);

	return n && n < SCN_NAME && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

static struct scn_block *find_block(const struct scn_text *text, const char *name, bool macro)
{
	u32 i;

	for (i = 0; i < text->n_blocks; i++) {
		bool is_macro = text->blocks[i].kind == SCN_MACRO;

		if (!strcmp(text->blocks[i].name, name) && macro == is_macro)
			return &text->blocks[i];
	}
	return NULL;
}

static struct scn_case *add_case(struct scn_text *text)
{
	return &text->cases[text->n_cases++];
}

static void __printf(3, 4) add_wrong(struct scn_text *text, const struct scn_line *at,
				     const char *fmt, ...)
{
	struct scn_case *c = add_case(text);
	va_list args;
	int n;

	snprintf(c->name, sizeof(c->name), "malformed_%u", text->n_cases);
	n = scnprintf(c->wrong, sizeof(c->wrong), "%s:%u: ", at->file, at->nr);
	va_start(args, fmt);
	vscnprintf(c->wrong + n, sizeof(c->wrong) - n, fmt, args);
	va_end(args);
}

/* "=== NAME", "=== macro NAME", "=== table NAME" */
static struct scn_block *open_block(struct scn_text *text, const struct scn_line *at, char *s)
{
	struct scn_block *block = &text->blocks[text->n_blocks];
	enum scn_block_kind kind = SCN_SCENARIO;

	s = strim(s);
	if (!strncmp(s, "macro ", 6)) {
		kind = SCN_MACRO;
		s = strim(s + 6);
	} else if (!strncmp(s, "table ", 6)) {
		kind = SCN_TABLE;
		s = strim(s + 6);
	}
	if (!name_ok(s)) {
		add_wrong(text, at, "no name of a block: \"%s\"", s);
		return NULL;
	}
	if (find_block(text, s, kind == SCN_MACRO)) {
		add_wrong(text, at, "%s is there twice", s);
		return NULL;
	}
	text->n_blocks++;
	block->kind = kind;
	strscpy(block->name, s, sizeof(block->name));
	block->first = text->n_lines;
	block->end = text->n_lines;
	block->kunit = true;
	return block;
}

/* "# key: value" */
static void read_header(struct scn_text *text, struct scn_block *block,
			const struct scn_line *at, char *s)
{
	char *colon = strchr(s, ':'), *value;

	if (!colon)
		return;
	*colon = 0;
	value = strim(colon + 1);
	s = strim(s);
	if (!strcmp(s, "lanes"))
		block->kunit = strstr(value, "kunit");
	else if (!strcmp(s, "known"))
		block->known = value;
	else if (strcmp(s, "covers") && strcmp(s, "linux") && strcmp(s, "tolerance"))
		add_wrong(text, at, "no key of a header: %s", s);
}

/* the text's lines and blocks; @lines in @text->buf end with 0 */
static void read_lines(struct scn_text *text)
{
	struct scn_line at = { .file = "?" };
	struct scn_block *block = NULL;
	char *next = text->buf, *s, *joint;
	bool in_header = false;
	u32 joined = 0;

	while ((s = strsep(&next, "\n"))) {
		at.nr += 1 + joined;
		for (joined = 0, joint = s; (joint = strchr(joint, '\f')); joint++)
			joined++;
		s = strim(s);
		if (!strncmp(s, "=== file ", 9)) {
			at.file = strim(s + 9);
			at.nr = 0;
			joined = 0;
			block = NULL;
			continue;
		}
		if (*s == '#') {
			if (block && in_header)
				read_header(text, block, &at, s + 1);
			continue;
		}
		s = bare(s);
		if (!*s)
			continue;
		in_header = false;
		if (!strncmp(s, "===", 3)) {
			block = open_block(text, &at, s + 3);
			in_header = true;
		} else if (block) {
			at.text = s;
			text->lines[text->n_lines++] = at;
			block->end = text->n_lines;
		} else {
			add_wrong(text, &at, "outside of a block: %s", s);
		}
	}
}

/* a line that ends in a backslash goes on in the next; \f: here was a line's end */
static void join_lines(char *s)
{
	while ((s = strstr(s, "\\\n"))) {
		s[0] = ' ';
		s[1] = '\f';
	}
}

static void add_rows(struct scn_text *text, const struct scn_block *block)
{
	u32 i;

	for (i = block->first; i < block->end; i++) {
		const char *s = text->lines[i].text;
		struct scn_case *c;
		char name[SCN_NAME];
		size_t n;

		if (!marks_hold(&s) || strncmp(s, "---", 3))
			continue;
		s = skip_spaces(s + 3);
		n = strcspn(s, " \t|");
		if (n >= sizeof(name))
			n = sizeof(name) - 1;
		memcpy(name, s, n);
		name[n] = 0;
		if (!name_ok(name)) {
			add_wrong(text, &text->lines[i], "a row without a name");
			continue;
		}
		c = add_case(text);
		c->block = block;
		c->row = i;
		if (snprintf(c->name, sizeof(c->name), "%s__%s", block->name, name) >=
		    sizeof(c->name))
			snprintf(c->wrong, sizeof(c->wrong), "%s:%u: a name too long",
				 text->lines[i].file, text->lines[i].nr);
	}
}

static void find_cases(struct scn_text *text)
{
	u32 i, j;

	for (i = 0; i < text->n_blocks; i++) {
		const struct scn_block *block = &text->blocks[i];

		if (block->kind == SCN_MACRO || !block->kunit)
			continue;
		if (block->kind == SCN_TABLE) {
			add_rows(text, block);
		} else {
			struct scn_case *c = add_case(text);

			c->block = block;
			strscpy(c->name, block->name, sizeof(c->name));
		}
	}
	for (i = 0; i < text->n_cases; i++)
		for (j = 0; j < i; j++)
			if (!strcmp(text->cases[i].name, text->cases[j].name))
				snprintf(text->cases[i].wrong, sizeof(text->cases[i].wrong),
					 "%s is there twice", text->cases[i].name);
}

/* text that scn_text_free() takes back; NULL: no memory */
struct scn_text *scn_text_split(const char *from, size_t len)
{
	struct scn_text *text = kzalloc(sizeof(*text), GFP_KERNEL);
	u32 n = 2, i;

	if (!text)
		return NULL;
	text->buf = kvmalloc(len + 1, GFP_KERNEL);
	if (!text->buf)
		goto fail;
	memcpy(text->buf, from, len);
	text->buf[len] = 0;
	for (i = 0; i < len; i++) {
		if (!text->buf[i] || text->buf[i] == '\r')
			text->buf[i] = '?';
		n += text->buf[i] == '\n';
	}
	/* no more of anything than there are lines, but two cases of a bad row */
	text->lines = kvcalloc(n, sizeof(*text->lines), GFP_KERNEL);
	text->blocks = kvcalloc(n, sizeof(*text->blocks), GFP_KERNEL);
	text->cases = kvcalloc(2 * n, sizeof(*text->cases), GFP_KERNEL);
	if (!text->lines || !text->blocks || !text->cases)
		goto fail;
	join_lines(text->buf);
	read_lines(text);
	find_cases(text);
	return text;

fail:
	scn_text_free(text);
	return NULL;
}

void scn_text_free(struct scn_text *text)
{
	if (!text)
		return;
	kvfree(text->cases);
	kvfree(text->blocks);
	kvfree(text->lines);
	kvfree(text->buf);
	kfree(text);
}

/* ---- a case with its macros ---- */

static int expand_block(const struct scn_text *text, const struct scn_block *block, u32 depth,
			struct scn_script *script, char *wrong)
{
	u32 i;

	for (i = block->first; i < block->end; i++) {
		struct scn_line line = text->lines[i];
		const struct scn_block *macro;

		if (!marks_hold(&line.text))
			continue;
		if (block->kind == SCN_TABLE && !strncmp(line.text, "---", 3))
			continue;
		if (strncmp(line.text, "use ", 4)) {
			if (script->n == EXPAND_MAX) {
				snprintf(wrong, SCN_WRONG, "%s:%u: more than %d lines",
					 line.file, line.nr, EXPAND_MAX);
				return -EINVAL;
			}
			script->lines[script->n++] = line;
			continue;
		}
		macro = find_block(text, skip_spaces(line.text + 4), true);
		if (!macro || depth == EXPAND_DEPTH) {
			snprintf(wrong, SCN_WRONG, "%s:%u: %s: %s", line.file, line.nr, line.text,
				 macro ? "macros too deep" : "no such macro");
			return -EINVAL;
		}
		if (expand_block(text, macro, depth + 1, script, wrong))
			return -EINVAL;
	}
	return 0;
}

/* one line of a row into the script, its text behind what is there */
static int __printf(4, 5) row_line(struct scn_script *script, const struct scn_line *row,
				   u32 *used, const char *fmt, ...)
{
	struct scn_line line = *row;
	va_list args;
	int n;

	if (script->n == EXPAND_MAX)
		return -EINVAL;
	va_start(args, fmt);
	n = vsnprintf(script->row_text + *used, ROW_TEXT - *used, fmt, args);
	va_end(args);
	if (n >= ROW_TEXT - *used)
		return -EINVAL;
	line.text = script->row_text + *used;
	*used += n + 1;
	script->lines[script->n++] = line;
	return 0;
}

/* "SEGMENT; SEGMENT": injected or expected, if an event does not say itself */
static int row_events(struct scn_script *script, const struct scn_line *row, u32 *used,
		      char *field, char direction)
{
	char *s;

	if (!strcmp(field, "-"))
		return 0;
	while ((s = strsep(&field, ";"))) {
		bool segment;

		s = strim(s);
		segment = isupper(*s) || *s == '.' || *s == '-' || *s == '[';
		if (segment ? row_line(script, row, used, "+0 %c %s", direction, s) :
			      row_line(script, row, used, "%s", s))
			return -EINVAL;
	}
	return 0;
}

static int expand_row(const struct scn_line *row, struct scn_script *script)
{
	char *copy, *rest, *fields[4], *bar;
	const char *s = row->text;
	int i, err = -EINVAL;
	u32 used = 0;

	marks_hold(&s);
	copy = kstrdup(skip_spaces(s + 3), GFP_KERNEL);
	script->row_text = kmalloc(ROW_TEXT, GFP_KERNEL);
	if (!copy || !script->row_text) {
		err = -ENOMEM;
		goto out;
	}
	rest = copy;
	for (i = 0; i < 4; i++) {
		bar = strstr(rest, " | ");
		if (i < 3 ? !bar : !!bar)
			goto out;
		if (bar)
			*bar = 0;
		fields[i] = strim(rest);
		if (bar)
			rest = bar + 3;
	}
	err = row_events(script, row, &used, fields[1], '<') ?:
	      row_events(script, row, &used, fields[2], '>') ?:
	      row_line(script, row, &used, "+0 silence");
	if (!err && strcmp(fields[3], "-"))
		err = row_line(script, row, &used, "+0 assert state == %s", fields[3]);
out:
	kfree(copy);
	return err;
}

/* the lines that a case runs; @wrong says what is wrong with them */
int scn_expand(const struct scn_text *text, const struct scn_case *c,
	       struct scn_script *script, char *wrong)
{
	memset(script, 0, sizeof(*script));
	if (c->wrong[0]) {
		strscpy(wrong, c->wrong, SCN_WRONG);
		return -EINVAL;
	}
	script->lines = kvcalloc(EXPAND_MAX, sizeof(*script->lines), GFP_KERNEL);
	if (!script->lines)
		return -ENOMEM;
	if (expand_block(text, c->block, 0, script, wrong))
		return -EINVAL;
	if (c->block->kind == SCN_TABLE && expand_row(&text->lines[c->row], script)) {
		const struct scn_line *row = &text->lines[c->row];

		snprintf(wrong, SCN_WRONG, "%s:%u: not ROW | SEGMENTS | ANSWERS | STATE: %s",
			 row->file, row->nr, row->text);
		return -EINVAL;
	}
	return 0;
}

void scn_script_free(struct scn_script *script)
{
	kvfree(script->lines);
	kfree(script->row_text);
	memset(script, 0, sizeof(*script));
}
