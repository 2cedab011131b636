/*
 * command_internal -- what command.c and command_gate.c share: the envelope
 * read in two steps, so that the gate can drop before it refuses.
 */
#ifndef CB_COMMAND_INTERNAL_H
#define CB_COMMAND_INTERNAL_H

#include "command.h"

/* what step 1 needs; to, epoch and boot are borrowed from the tree */
struct command_head {
	const char *to, *epoch;
	const struct json *boot;	/* NULL if absent */
};

/* a refusal under way */
struct command_fault {
	enum command_code code;
	struct cb_error why;
};

/*
 * command_read_head: parse; v, id, to, epoch, issued, expires.  Fills
 * c->root, id, issued, expires and, where it is text that fits, type.
 */
CB_MUST_CHECK enum cb_code command_read_head(const char *text, size_t len,
    struct command *c, struct command_head *ret, struct cb_error *err);
/* command_read_envelope: all members but type, body and approval. */
bool command_read_envelope(struct command *c, struct command_fault *f);
/*
 * command_open_approval: the payload of an approval (already verified, or
 * verified when it was journalled) gives c its type, body and approval_id;
 * c->root becomes the approval's tree.  targets is borrowed from it.
 */
bool command_open_approval(struct command *c, const char *json, size_t len,
    const struct json **ret_targets, int64_t *ret_issued,
    struct command_fault *f);
/* command_check_body: names, then shape. */
bool command_check_body(const struct command_type *type,
    const struct json *body, struct command_fault *f);

#endif
