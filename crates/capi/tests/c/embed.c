/* Reads a bundle, answers the rows of a file by several threads at once, and prints the answer; tries what is wrong, too. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evenstep.h"

#define THREADS 4

static char *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    assert(file != NULL);
    assert(fseek(file, 0, SEEK_END) == 0);
    *length = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*length + 1);
    assert(bytes != NULL && fread(bytes, 1, *length, file) == *length);
    fclose(file);
    return bytes;
}

struct task {
    const evenstep_model *model;
    const char *rows;
    size_t length;
    char *answer;
};

static void *answer(void *argument) {
    struct task *task = argument;
    char *error = NULL;
    evenstep_status status = evenstep_predict(task->model, EVENSTEP_CSV, task->rows, task->length, &task->answer, &error);
    if (status != EVENSTEP_OK) {
        fprintf(stderr, "%d: %s\n", status, error);
        abort();
    }
    return NULL;
}

static void refused(evenstep_status expected, evenstep_status status, char **error, const char *part) {
    if (status != expected || *error == NULL || strstr(*error, part) == NULL) {
        fprintf(stderr, "expected %d and `%s`, found %d: %s\n", expected, part, status, *error ? *error : "nothing");
        abort();
    }
    evenstep_free(*error);
    *error = NULL;
}

int main(int count, char **arguments) {
    assert(count == 3);
    size_t bundle_length, rows_length;
    char *bundle = read_file(arguments[1], &bundle_length);
    char *rows = read_file(arguments[2], &rows_length);
    evenstep_model *model = NULL, *same = NULL, *none = NULL;
    char *error = NULL, *nothing = NULL;

    assert(evenstep_open(arguments[1], &model, NULL) == EVENSTEP_OK && model != NULL);
    assert(evenstep_open_bytes((const uint8_t *)bundle, bundle_length, &same, &error) == EVENSTEP_OK && error == NULL);
    assert(strcmp(evenstep_digest(model), evenstep_digest(same)) == 0 && strncmp(evenstep_digest(model), "sha256:", 7) == 0);
    assert(strstr(evenstep_contract(model), "\"type\"") != NULL);
    assert(strlen(evenstep_version()) > 0);
    evenstep_close(same);

    struct task tasks[THREADS];
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; at++) {
        tasks[at] = (struct task){model, rows, rows_length, NULL};
        assert(pthread_create(&threads[at], NULL, answer, &tasks[at]) == 0);
    }
    for (int at = 0; at < THREADS; at++) {
        assert(pthread_join(threads[at], NULL) == 0);
        assert(strcmp(tasks[at].answer, tasks[0].answer) == 0);
    }
    printf("%s\n%s\n", evenstep_name(model), tasks[0].answer);
    for (int at = 0; at < THREADS; at++) evenstep_free(tasks[at].answer);

    refused(EVENSTEP_UNUSABLE, evenstep_open("nowhere.evenstep", &none, &error), &error, "nowhere.evenstep");
    refused(EVENSTEP_UNUSABLE, evenstep_open(NULL, &none, &error), &error, "`path` is NULL");
    refused(EVENSTEP_UNUSABLE, evenstep_open(arguments[1], NULL, &error), &error, "`model` is NULL");
    bundle[bundle_length / 2] ^= 1;
    evenstep_status changed = evenstep_open_bytes((const uint8_t *)bundle, bundle_length, &none, &error);
    refused(EVENSTEP_UNUSABLE, changed, &error, "");
    refused(EVENSTEP_REFUSED, evenstep_predict(model, EVENSTEP_JSON, "[{]", 3, &nothing, &error), &error, "no JSON");
    refused(EVENSTEP_REFUSED, evenstep_predict(model, EVENSTEP_JSON, "{\"x\":1}", 7, &nothing, &error), &error, "\"rule\":\"absent\"");
    refused(EVENSTEP_UNUSABLE, evenstep_predict(NULL, EVENSTEP_JSON, "{}", 2, &nothing, &error), &error, "`model` is NULL");
    refused(EVENSTEP_UNUSABLE, evenstep_predict(model, EVENSTEP_JSON, NULL, 2, &nothing, &error), &error, "`rows` is NULL");
    refused(EVENSTEP_UNUSABLE, evenstep_predict(model, EVENSTEP_JSON, "{}", (size_t)-1, &nothing, &error), &error, "`length` of `rows`");
    refused(EVENSTEP_UNUSABLE, evenstep_open_bytes((const uint8_t *)"abc", (size_t)-1, &none, &error), &error, "`length` of `bytes`");
    refused(EVENSTEP_UNUSABLE, evenstep_predict(model, EVENSTEP_JSON, "{}", 2, NULL, &error), &error, "`answer` is NULL");
    refused(EVENSTEP_UNUSABLE, evenstep_predict(model, (evenstep_format)7, "{}", 2, &nothing, &error), &error, "format 7");
    assert(evenstep_predict(model, EVENSTEP_ARROW, "", 0, &nothing, NULL) == EVENSTEP_REFUSED);
    assert(none == NULL && nothing == NULL);
    assert(evenstep_name(NULL) == NULL && evenstep_digest(NULL) == NULL && evenstep_contract(NULL) == NULL);
    evenstep_free(NULL);
    evenstep_close(NULL);
    evenstep_close(model);
    free(bundle);
    free(rows);
    return 0;
}
