/* SPDX-License-Identifier: MIT */
/* Reading a folder: see table.h. */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <re.h>

#include "gateway/site/table.h"

struct site_table {
	struct site_file *filev; /* by name, once it is read            */
	size_t n, room;
	size_t bytes;
};

/* While it is read. */
struct reader {
	struct site_table *t;
	char *errbuf;
	size_t errsize;
};

/* ------------------------------------------------------------------ names */

static const char *type_of(const char *name)
{
	static const struct {
		const char *ext, *type;
	} v[] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".mjs", "text/javascript; charset=utf-8"},
		{".ts", "text/plain; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".json", "application/json"},
		{".map", "application/json"},
		{".webmanifest", "application/manifest+json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".ico", "image/x-icon"},
		{".webp", "image/webp"},
		{".jpg", "image/jpeg"},
		{".woff2", "font/woff2"},
		{".woff", "font/woff"},
		{".wasm", "application/wasm"},
		{".wav", "audio/wav"},
		{".mp3", "audio/mpeg"},
		{".ogg", "audio/ogg"},
		{".txt", "text/plain; charset=utf-8"},
		{".md", "text/plain; charset=utf-8"},
	};
	const size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		const size_t n = strlen(v[i].ext);

		if (len > n && !strcmp(name + len - n, v[i].ext))
			return v[i].type;
	}

	return "application/octet-stream";
}

/* assets/NAME-HASH.EXT, with a hash of eight characters or more: what Vite
 * makes. */
static bool has_hash(const char *name)
{
	const char *base = strrchr(name, '/'), *dot, *p;

	if (strncmp(name, "assets/", 7))
		return false;
	dot = strchr(base, '.');
	if (!dot)
		return false;
	for (p = dot; p > base && (isalnum((unsigned char)p[-1]) ||
				   p[-1] == '_' || p[-1] == '-'); p--) {
		if (p[-1] == '-' && dot - p >= 8)
			return true;
	}

	return false;
}

static bool has_suffix(const char *name, const char *suffix)
{
	const size_t len = strlen(name), n = strlen(suffix);

	return len > n && !strcmp(name + len - n, suffix);
}

/* ------------------------------------------------------------------ files */

static int fail(struct reader *r, const char *path, int err)
{
	if (!r->errbuf[0])
		(void)snprintf(r->errbuf, r->errsize, "%s: %s", path,
			       err == EFBIG ? "more files or bytes than are "
			       "served (4096 files, 16 MB each, 128 MB)"
			       : strerror(err));

	return err;
}

static int read_whole(int fd, uint8_t *p, size_t len)
{
	while (len) {
		const ssize_t n = read(fd, p, len);

		if (n <= 0)
			return n ? errno : EIO;
		p += n;
		len -= (size_t)n;
	}

	return 0;
}

static int load(struct site_table *t, uint8_t **pp, size_t *lenp,
		const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	uint8_t *p = NULL;
	int err = 0;

	if (fd < 0)
		return errno;
	if (fstat(fd, &st))
		err = errno;
	else if (st.st_size > SITE_FILE_BYTES_MAX ||
		 t->bytes + (size_t)st.st_size > SITE_BYTES_MAX)
		err = EFBIG;
	if (!err) {
		p = mem_alloc((size_t)st.st_size + 1, NULL);
		err = p ? read_whole(fd, p, (size_t)st.st_size) : ENOMEM;
	}
	(void)close(fd);
	if (err) {
		mem_deref(p);
		return err;
	}
	t->bytes += (size_t)st.st_size;
	*pp = p;
	*lenp = (size_t)st.st_size;

	return 0;
}

static int tag(char etag[SITE_ETAG_SIZE], const uint8_t *p, size_t len,
	       enum site_coding coding)
{
	static const char *const suffixv[] = {"-br", "-gz", ""};
	unsigned char md[EVP_MAX_MD_SIZE];
	char text[17];

	if (EVP_Digest(p, len, md, NULL, EVP_sha256(), NULL) != 1)
		return ENOMEM;
	for (size_t i = 0; i < 8; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", md[i]);
	(void)snprintf(etag, SITE_ETAG_SIZE, "\"%s%s\"", text,
		       suffixv[coding]);

	return 0;
}

static int read_form(struct site_table *t, struct site_file *f,
		     enum site_coding coding, const char *path)
{
	int err;

	err = load(t, &f->v[coding].p, &f->v[coding].len, path);
	if (!err)
		err = tag(f->v[coding].etag, f->v[coding].p,
			  f->v[coding].len, coding);

	return err;
}

static int room(struct site_table *t)
{
	struct site_file *v;
	size_t n;

	if (t->n < t->room)
		return 0;
	if (t->n >= SITE_FILES_MAX)
		return EFBIG;
	n = t->room ? 2 * t->room : 64;
	v = t->filev ? mem_realloc(t->filev, n * sizeof(*v))
		     : mem_alloc(n * sizeof(*v), NULL);
	if (!v)
		return ENOMEM;
	t->filev = v;
	t->room = n;

	return 0;
}

static int add_file(struct reader *r, const char *path, const char *name)
{
	static const char *const suffixv[] = {".br", ".gz", ""};
	struct site_table *t = r->t;
	struct site_file *f;
	char form[2 * SITE_NAME_SIZE + 8];
	int err = room(t);

	if (err)
		return fail(r, path, err);

	f = &t->filev[t->n];
	memset(f, 0, sizeof(*f));
	f->type = type_of(name);
	f->immutable = has_hash(name);
	err = str_dup(&f->name, name);
	if (err)
		return fail(r, path, err);
	t->n++; /* from here on it is the destructor's */
	for (int c = SITE_PLAIN; c >= 0 && !err; c--) {
		(void)snprintf(form, sizeof(form), "%s%s", path, suffixv[c]);
		err = read_form(t, f, (enum site_coding)c, form);
		if (err == ENOENT && c != SITE_PLAIN)
			err = 0;
	}

	return err ? fail(r, form, err) : 0;
}

/* ----------------------------------------------------------------- folders */

static int add_folder(struct reader *r, const char *path, const char *prefix,
		      unsigned depth);

static int add_entry(struct reader *r, const char *path, const char *name,
		     unsigned depth)
{
	struct stat st;

	if (lstat(path, &st))
		return fail(r, path, errno);
	if (S_ISDIR(st.st_mode))
		return add_folder(r, path, name, depth + 1);
	if (!S_ISREG(st.st_mode) || has_suffix(name, ".br") ||
	    has_suffix(name, ".gz"))
		return 0;

	return add_file(r, path, name);
}

static int add_folder(struct reader *r, const char *path, const char *prefix,
		      unsigned depth)
{
	DIR *dir = depth > SITE_DEPTH_MAX ? NULL : opendir(path);
	char full[2 * SITE_NAME_SIZE], name[SITE_NAME_SIZE];
	const struct dirent *e;
	int err = 0;

	if (!dir)
		return fail(r, path, depth > SITE_DEPTH_MAX ? ELOOP : errno);

	while (!err && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(full, sizeof(full), "%s/%s", path,
				     e->d_name) >= sizeof(full) ||
		    (size_t)snprintf(name, sizeof(name), "%s%s%s", prefix,
				     *prefix ? "/" : "", e->d_name) >=
			    sizeof(name))
			err = fail(r, path, ENAMETOOLONG);
		else
			err = add_entry(r, full, name, depth);
	}
	(void)closedir(dir);

	return err;
}

/* ------------------------------------------------------------------- table */

static void destructor(void *arg)
{
	struct site_table *t = arg;

	for (size_t i = 0; i < t->n; i++) {
		mem_deref(t->filev[i].name);
		for (size_t c = 0; c < SITE_CODINGS; c++)
			mem_deref(t->filev[i].v[c].p);
	}
	mem_deref(t->filev);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct site_file *)a)->name,
		      ((const struct site_file *)b)->name);
}

int site_table_read(struct site_table **tp, const char *dir, char *errbuf,
		    size_t errsize)
{
	struct reader r = {.errbuf = errbuf, .errsize = errsize};
	int err;

	if (!tp || !dir || !errbuf || !errsize)
		return EINVAL;

	errbuf[0] = '\0';
	r.t = mem_zalloc(sizeof(*r.t), destructor);
	if (!r.t)
		return ENOMEM;
	err = add_folder(&r, dir, "", 0);
	if (err) {
		mem_deref(r.t);
		return err;
	}
	if (r.t->n)
		qsort(r.t->filev, r.t->n, sizeof(*r.t->filev), by_name);
	*tp = r.t;

	return 0;
}

size_t site_table_count(const struct site_table *t)
{
	return t ? t->n : 0;
}

const struct site_file *site_table_find(const struct site_table *t,
					const char *name)
{
	struct site_file key = {.name = (char *)(uintptr_t)name};

	if (!t || !name || !t->n)
		return NULL;

	return bsearch(&key, t->filev, t->n, sizeof(*t->filev), by_name);
}
