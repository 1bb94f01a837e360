/* SPDX-License-Identifier: MIT */
/*
 * Lines of commands.  A pipe or terminal is polled; a regular file cannot be,
 * and is read in pieces by a timer.  `wait` stops the reading of lines until
 * its event was put out.
 */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/phone/command.h"
#include "tests/phone/input.h"

enum {
	READ_BYTES = 16384,
	LINE_MAX_BYTES = 1 << 20,
};

struct input {
	struct farm *farm;
	int fd;
	bool polled, eof, ended;
	struct mbuf *mb; /* pos: first byte that is not yet a line taken */
	struct tmr tmr;	 /* lines that are here already */
	struct tmr tmr_wait;
	uint64_t wait_start_ms;
	void (*endh)(void *arg);
	void *arg;
};

static void lines_run(struct input *in);

static void destructor(void *arg)
{
	struct input *in = arg;

	events_set_handler(in->farm->events, NULL, NULL);
	tmr_cancel(&in->tmr);
	tmr_cancel(&in->tmr_wait);
	if (in->polled)
		fd_close(in->fd);
	mem_deref(in->mb);
}

static void end(struct input *in)
{
	if (in->ended)
		return;

	in->ended = true;
	tmr_cancel(&in->tmr);
	if (in->polled) {
		fd_close(in->fd);
		in->polled = false;
	}
	in->endh(in->arg);
}

/* ------------------------------------------------------------------- wait */

static void lines_handler(void *arg)
{
	lines_run(arg);
}

static void wait_done(struct input *in, bool ok)
{
	const uint64_t ms = tmr_jiffies() - in->wait_start_ms;
	json_t *cmd = in->farm->wait;

	in->farm->wait = NULL;
	tmr_cancel(&in->tmr_wait);
	events_put(in->farm->events,
		   json_pack("{s:s s:b s:O s:I}", "event", "waited", "ok", ok,
			     "for", json_object_get(cmd, "event"), "ms",
			     (json_int_t)ms));
	json_decref(cmd);
	tmr_start(&in->tmr, 0, lines_handler, in);
}

static void wait_handler(void *arg)
{
	wait_done(arg, false);
}

static bool wait_fits(const json_t *cmd, const json_t *ev)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)cmd, key, v) {
		if (!strcmp(key, "cmd") || !strcmp(key, "within_ms"))
			continue;
		if (!json_equal(v, json_object_get(ev, key)))
			return false;
	}

	return true;
}

static void event_handler(const json_t *ev, void *arg)
{
	struct input *in = arg;

	/* Not its own ok: that one comes before the timer is started. */
	if (in->farm->wait && tmr_isrunning(&in->tmr_wait) &&
	    wait_fits(in->farm->wait, ev))
		wait_done(in, true);
}

static void wait_begin(struct input *in)
{
	in->wait_start_ms = tmr_jiffies();
	tmr_start(&in->tmr_wait,
		  command_int(in->farm->wait, "within_ms", 10000),
		  wait_handler, in);
}

/* ------------------------------------------------------------------ lines */

static bool line_next(struct input *in, char **linep)
{
	const char *p = (const char *)mbuf_buf(in->mb);
	const size_t left = mbuf_get_left(in->mb);
	const char *nl = left ? memchr(p, '\n', left) : NULL;
	size_t n = nl ? (size_t)(nl - p) : left;

	if (!left || (!nl && !in->eof))
		return false;

	if (mbuf_strdup(in->mb, linep, n))
		return false;
	if (nl)
		mbuf_advance(in->mb, 1);

	return true;
}

static bool is_empty(const char *line)
{
	line += strspn(line, " \t\r");
	return !*line || *line == '#';
}

static void lines_run(struct input *in)
{
	char *line = NULL;

	while (!in->farm->wait && !in->farm->quit && !in->ended &&
	       line_next(in, &line)) {
		if (!is_empty(line))
			command_run(in->farm, line);
		line = mem_deref(line);
		if (in->farm->wait)
			wait_begin(in);
	}

	if (in->farm->quit ||
	    (in->eof && !in->farm->wait && !mbuf_get_left(in->mb)))
		end(in);
}

static void bytes_read(struct input *in)
{
	uint8_t buf[READ_BYTES];
	ssize_t n = read(in->fd, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;

	if (n <= 0) {
		in->eof = true;
		if (in->polled) {
			fd_close(in->fd);
			in->polled = false;
		}
		return;
	}

	/* Lines that were taken make room; the rest moves to the front. */
	if (in->mb->pos) {
		memmove(in->mb->buf, mbuf_buf(in->mb), mbuf_get_left(in->mb));
		in->mb->end -= in->mb->pos;
		in->mb->pos = 0;
	}

	in->mb->pos = in->mb->end;
	if (in->mb->end > LINE_MAX_BYTES || mbuf_write_mem(in->mb, buf, n))
		in->eof = true;
	in->mb->pos = 0;
}

static void fd_handler(int flags, void *arg)
{
	struct input *in = arg;
	(void)flags;

	bytes_read(in);
	lines_run(in);
}

static void file_handler(void *arg)
{
	struct input *in = arg;

	while (!in->eof)
		bytes_read(in);
	lines_run(in);
}

/* Regular files and /dev/null: epoll refuses them. */
static bool is_file(int fd)
{
	struct stat st;

	return !fstat(fd, &st) &&
	       (S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && !isatty(fd)));
}

int input_alloc(struct input **inp, struct farm *farm, int fd,
		void (*endh)(void *arg), void *arg)
{
	struct input *in = mem_zalloc(sizeof(*in), destructor);
	int err;

	if (!in)
		return ENOMEM;

	in->farm = farm;
	in->fd = fd;
	in->endh = endh;
	in->arg = arg;
	in->mb = mbuf_alloc(READ_BYTES);
	if (!in->mb) {
		mem_deref(in);
		return ENOMEM;
	}

	events_set_handler(farm->events, event_handler, in);
	if (is_file(fd)) {
		tmr_start(&in->tmr, 0, file_handler, in);
		*inp = in;
		return 0;
	}

	err = fd_listen(fd, FD_READ, fd_handler, in);
	in->polled = !err;
	if (err)
		mem_deref(in);
	else
		*inp = in;

	return err;
}
