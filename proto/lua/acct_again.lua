-- Redis has lost the accounts, and gets them back from who remembers.
-- KEYS  sy:{acct}, sy:{acct}:users, :tokens, :webhooks
-- ARGV  revision; then for each of the three hashes: how many, and so many
--       pairs of id and "revision mark\nrecord"
-- Returns 1, or 0: there are accounts, and not of less.
local rev = redis.call('HGET', KEYS[1], 'revision')
if rev and (redis.call('HEXISTS', KEYS[1], 'again') == 0 or
		tonumber(rev) >= tonumber(ARGV[1])) then
	return 0
end
local at = 2
for k = 2, 4 do
	local last = at + 2 * tonumber(ARGV[at])
	redis.call('DEL', KEYS[k])
	-- In pieces: a call takes no more arguments than Lua's stack holds.
	for i = at + 1, last, 1000 do
		redis.call('HSET', KEYS[k],
			unpack(ARGV, i, math.min(i + 999, last)))
	end
	at = last + 1
end
redis.call('HSET', KEYS[1], 'revision', ARGV[1], 'again', '1')
return 1
