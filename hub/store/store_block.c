/*
 * Lists as they are handed out: one allocation of items behind a hidden head
 * that owns the texts they point to.
 */
#include <stdlib.h>
#include <string.h>
#include "mem.h"
#include "store_internal.h"

struct block {
	char **texts;
	size_t n_texts;
	size_t item_size;
	size_t n, cap;
	char *items;	/* a head of HEAD bytes, then n items */
};

#define HEAD 32 /* keeps the items aligned */

struct block_head {
	char **texts;
	size_t n_texts;
};
_Static_assert(sizeof(struct block_head) <= HEAD, "head");

struct block *
block_new(size_t item_size)
{
	struct block *b = cb_xcalloc(1, sizeof(*b));

	b->item_size = item_size;
	return b;
}

void *
block_add(struct block *b)
{
	char *item;

	if (b->n == b->cap) {
		b->cap = b->cap == 0 ? 8 : b->cap * 2;
		b->items = cb_xrealloc(b->items, 1,
		    HEAD + b->cap * b->item_size);
	}
	item = b->items + HEAD + b->n++ * b->item_size;
	memset(item, 0, b->item_size);
	return item;
}

char *
block_text(struct block *b, const char *text, size_t len)
{

	if (b->n_texts % 8 == 0)
		b->texts = cb_xrealloc(b->texts, b->n_texts + 8,
		    sizeof(char *));
	b->texts[b->n_texts] = cb_xcalloc(1, len + 1);
	memcpy(b->texts[b->n_texts], text, len);
	return b->texts[b->n_texts++];
}

char *
block_col(struct block *b, struct db_rows *rows, int column)
{
	size_t len = 0;
	const void *data;

	if (db_is_null(rows, column))
		return NULL;
	data = db_blob(rows, column, &len);
	return block_text(b, data != NULL ? data : "", len);
}

void *
block_take(struct block *b, size_t *ret_n)
{
	struct block_head head = { b->texts, b->n_texts };
	char *items = b->items;
	size_t n = b->n;

	if (ret_n != NULL)
		*ret_n = n;
	if (n == 0) {
		block_free(b);
		return NULL;
	}
	memcpy(items, &head, sizeof(head));
	free(b);
	return items + HEAD;
}

static void
free_texts(char **texts, size_t n)
{

	while (n > 0)
		free(texts[--n]);
	free(texts);
}

void
block_free(struct block *b)
{

	if (b == NULL)
		return;
	free_texts(b->texts, b->n_texts);
	free(b->items);
	free(b);
}

void
store_free(void *list)
{
	struct block_head head;
	char *items = list;

	if (list == NULL)
		return;
	items -= HEAD;
	memcpy(&head, items, sizeof(head));
	free_texts(head.texts, head.n_texts);
	free(items);
}
