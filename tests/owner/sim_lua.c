/* SPDX-License-Identifier: MIT */
/* The scripts of proto/lua, run by Lua 5.1 as Redis runs them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <lua5.1/lauxlib.h>
#include <lua5.1/lua.h>
#include <lua5.1/lualib.h>
#include "proto/script_texts.h"
#include "tests/owner/sim.h"

enum { ARGS_MAX = 64 };

struct sim_lua {
	lua_State *l;
	int ref[SCRIPT_COUNT];
	struct db *db; /* during a run */
	const struct db_env *env;
};

/* Those that the simulation runs. */
static const struct {
	enum script script;
	const char *name;
} namev[] = {
    {SCRIPT_MEMBER_BEAT, "member_beat"},   {SCRIPT_MEMBER_LIST, "member_list"},
    {SCRIPT_MEMBER_LEAVE, "member_leave"}, {SCRIPT_MEMBER_DIED, "member_died"},
    {SCRIPT_HUB_PUT, "hub_put"},	   {SCRIPT_HUB_DROP, "hub_drop"},
    {SCRIPT_HUB_CLAIM, "hub_claim"},	   {SCRIPT_CDR_PUT, "cdr_put"},
};

/* What is broken: this text, once, becomes the other. */
static const struct {
	enum sim_mutation mut;
	const char *name, *is, *becomes;
} breakv[] = {
    {MUT_NO_FENCE, "hub_put", "have > want or", "false and"},
    {MUT_NO_OWNER, "hub_claim", "cur[2] ~= ARGV[1]", "false"},
    {MUT_NO_TOMBSTONE, "hub_put", "redis.call('EXISTS', KEYS[2]) == 1",
     "false"},
    {MUT_NO_END, "hub_drop", "redis.call('SET', KEYS[3]", "tostring(''"},
};

/* ---------------------------------------------------- Redis to Lua and back */

static void push(lua_State *l, const struct val *v)
{
	switch (v->type) {
	case VAL_INT:
		lua_pushnumber(l, (lua_Number)v->n);
		break;
	case VAL_STR:
		lua_pushlstring(l, v->s, v->len);
		break;
	case VAL_ARRAY:
		lua_createtable(l, (int)v->c, 0);
		for (size_t i = 0; i < v->c; i++) {
			push(l, v->v[i]);
			lua_rawseti(l, -2, (int)i + 1);
		}
		break;
	case VAL_NIL:
	default:
		lua_pushboolean(l, 0);
		break;
	}
}

/* The value on top of the stack; a table ends at its first nil. */
static struct val *pop(lua_State *l)
{
	struct val *v;
	size_t len;

	if (lua_type(l, -1) == LUA_TNUMBER) {
		v = val_int((long long)lua_tonumber(l, -1));
	} else if (lua_type(l, -1) == LUA_TSTRING) {
		const char *s = lua_tolstring(l, -1, &len);

		v = val_str(s, len);
	} else if (lua_istable(l, -1)) {
		len = lua_objlen(l, -1);
		v = val_array(len);
		for (size_t i = 1; i <= len; i++) {
			lua_rawgeti(l, -1, (int)i);
			val_push(v, pop(l));
		}
	} else {
		v = val_nil();
	}
	lua_pop(l, 1);

	return v;
}

static int redis_call(lua_State *l)
{
	struct sim_lua *lua = lua_touserdata(l, lua_upvalueindex(1));
	const char *argv[ARGS_MAX];
	size_t lenv[ARGS_MAX];
	const int argc = lua_gettop(l);
	struct val *v;

	if (argc > ARGS_MAX)
		return luaL_error(l, "too many arguments");
	for (int i = 0; i < argc; i++) {
		argv[i] = lua_tolstring(l, i + 1, &lenv[i]);
		if (!argv[i])
			return luaL_error(l, "neither text nor number");
	}
	v = db_exec(lua->db, lua->env, argc, argv, lenv);
	push(l, v);
	mem_deref(v);

	return 1;
}

/* ---------------------------------------------------------------- scripts */

static void set_table(lua_State *l, const char *name, int n,
		      const char *const *v, const size_t *lenv)
{
	lua_createtable(l, n, 0);
	for (int i = 0; i < n; i++) {
		lua_pushlstring(l, v[i], lenv[i]);
		lua_rawseti(l, -2, i + 1);
	}
	lua_setglobal(l, name);
}

struct val *sim_lua_run(struct sim_lua *lua, struct db *db,
			const struct db_env *env, enum script script, int keyc,
			int argc, const char *const *argv, const size_t *lenv)
{
	lua_State *l = lua->l;

	lua->db = db;
	lua->env = env;
	set_table(l, "KEYS", keyc, argv, lenv);
	set_table(l, "ARGV", argc - keyc, argv + keyc, lenv + keyc);
	lua_rawgeti(l, LUA_REGISTRYINDEX, lua->ref[script]);
	if (lua_pcall(l, 0, 1, 0)) {
		fprintf(stderr, "script %d: %s\n", script, lua_tostring(l, -1));
		abort();
	}

	return pop(l);
}

static const char *text_of(const char *name)
{
	for (size_t i = 0; script_texts[i].name; i++) {
		if (!strcmp(script_texts[i].name, name))
			return script_texts[i].text;
	}

	abort();
}

/* @return the text, perhaps broken; mem_deref() frees it. */
static char *text_for(const char *name, enum sim_mutation mut)
{
	const char *text = text_of(name);
	char *copy = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(breakv); i++) {
		const char *at;

		if (breakv[i].mut != mut || strcmp(breakv[i].name, name))
			continue;
		at = strstr(text, breakv[i].is);
		if (!at)
			abort(); /* the script is another by now */
		(void)re_sdprintf(&copy, "%b%s%s", text, (size_t)(at - text),
				  breakv[i].becomes, at + strlen(breakv[i].is));
		return copy;
	}
	(void)str_dup(&copy, text);

	return copy;
}

static void destructor(void *arg)
{
	lua_close(((struct sim_lua *)arg)->l);
}

struct sim_lua *sim_lua_alloc(enum sim_mutation mut)
{
	struct sim_lua *lua = mem_zalloc(sizeof(*lua), destructor);
	lua_State *l = luaL_newstate();

	if (!lua || !l)
		abort();

	lua->l = l;
	luaL_openlibs(l);
	lua_newtable(l);
	lua_pushlightuserdata(l, lua);
	lua_pushcclosure(l, redis_call, 1);
	lua_setfield(l, -2, "call");
	lua_setglobal(l, "redis");
	for (size_t i = 0; i < ARRAY_SIZE(namev); i++) {
		char *text = text_for(namev[i].name, mut);

		if (luaL_loadbuffer(l, text, strlen(text), namev[i].name))
			abort();
		lua->ref[namev[i].script] = luaL_ref(l, LUA_REGISTRYINDEX);
		mem_deref(text);
	}

	return lua;
}
