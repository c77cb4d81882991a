/*
 * Trained pipelines from C: the bits of `evenstep score`, in your own process.
 *
 * A model may be used by many threads at once, but is closed by one, after all others are done with it. Every text is UTF-8
 * and ends with a zero. Texts that functions hand out through a `char **` are yours: give them back by `evenstep_free`.
 * Texts that they return are the model's, and last until it is closed. Where a function fails it sets nothing but the error;
 * whoever doesn't want to know it passes NULL for it.
 */
#ifndef EVENSTEP_H
#define EVENSTEP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What came of a call. */
typedef enum evenstep_status {
    EVENSTEP_OK = 0,
    /* The rows can't be read, or break the contract: the error is JSON, as `POST /predict` answers it. */
    EVENSTEP_REFUSED = 1,
    /* A file that can't be read, bytes that are no bundle, a bundle that gives other bits on this host, or NULL. */
    EVENSTEP_UNUSABLE = 2,
    /* A bug of ours. */
    EVENSTEP_BUG = 70
} evenstep_status;

/* What rows are written in. */
typedef enum evenstep_format {
    /* An object, a list of objects, or {"columns": {name: [value, ...]}}. */
    EVENSTEP_JSON = 0,
    /* A header and a line a row, read as a file is. */
    EVENSTEP_CSV = 1,
    /* An Arrow IPC stream, read as a file is. */
    EVENSTEP_ARROW = 2
} evenstep_format;

/* A trained pipeline that answers. */
typedef struct evenstep_model evenstep_model;

/* The version of the library, as `evenstep --version` tells it. It is never freed. */
const char *evenstep_version(void);

/*
 * Reads a bundle and replays its golden rows: a host that gives other bits is refused. Who signed it is not asked: `evenstep verify
 * FILE --policy trust.toml` judges that.
 */
evenstep_status evenstep_open(const char *path, evenstep_model **model, char **error);

/* The same, of a bundle in memory, which isn't looked at any more afterwards. */
evenstep_status evenstep_open_bytes(const uint8_t *bytes, size_t length, evenstep_model **model, char **error);

/* Closes a model; NULL is no model. */
void evenstep_close(evenstep_model *model);

/* The pipeline's name. */
const char *evenstep_name(const evenstep_model *model);

/* What the artifact is: `sha256:` and 64 hex digits. */
const char *evenstep_digest(const evenstep_model *model);

/* What rows must be: JSON, as `contract.json` of the bundle. */
const char *evenstep_contract(const evenstep_model *model);

/* Answers rows of `length` bytes, in JSON, as `POST /predict` does: all rows, or none. */
evenstep_status evenstep_predict(const evenstep_model *model, evenstep_format format, const void *rows, size_t length,
                                 char **answer, char **error);

/* Gives a text back; NULL is none. */
void evenstep_free(char *text);

#ifdef __cplusplus
}
#endif

#endif
