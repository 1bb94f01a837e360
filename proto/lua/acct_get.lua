-- All accounts as one revision.
-- KEYS  sy:{acct}, sy:{acct}:users, :tokens, :webhooks
-- ARGV  revision that the caller has, or ''
-- Returns {} (there are none), {revision} (it is the caller's), or
-- {revision, again, users, tokens, webhooks}: three lists of id and
-- "revision mark\nrecord", in no order; again is '1' when who remembers a
-- higher revision should give it back (acct_again.lua), else ''.
local rev = redis.call('HGET', KEYS[1], 'revision')
if not rev then
	return {}
end
if rev == ARGV[1] then
	return {rev}
end
local out = {rev, redis.call('HGET', KEYS[1], 'again') or ''}
for i = 2, 4 do
	out[i + 1] = redis.call('HGETALL', KEYS[i])
end
return out
