-- Writes or removes one account: a user, a token, a webhook.
-- KEYS  sy:{acct}, the hash of the section: id -> "revision mark\nrecord"
-- ARGV  id; the revision of the record that the caller knows, '' where there
--       must be none; its mark, 'A' (an administrator who may log in) or '-';
--       how many there may be; 1: the section must keep one of mark 'A';
--       1: the very first of all, made by a start and not by a person: only
--       where there is none yet; the packed record, '' to remove it
-- Returns {'ok', revision} or {why}: 'exists', 'none', 'stale', 'full',
-- 'last' (it is the last of mark 'A').
-- What a start has made gives way to what somebody remembers: again = 1.
local have = redis.call('HGET', KEYS[2], ARGV[1])
local rev, mark
if have then
	rev, mark = string.match(have, '^(%d+) (.)\n')
end
if ARGV[2] == '' then
	if have then
		return {'exists'}
	end
	if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[4]) then
		return {'full'}
	end
elseif not have then
	return {'none'}
elseif rev ~= ARGV[2] then
	return {'stale'}
end
if ARGV[6] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then
	return {'full'}
end
if ARGV[5] == '1' and mark == 'A' and (ARGV[7] == '' or ARGV[3] ~= 'A') then
	local n = 0
	for _, v in ipairs(redis.call('HVALS', KEYS[2])) do
		if string.match(v, '^%d+ A\n') then n = n + 1 end
	end
	if n < 2 then
		return {'last'}
	end
end
rev = redis.call('HINCRBY', KEYS[1], 'revision', 1)
if ARGV[6] == '1' then
	redis.call('HSET', KEYS[1], 'again', '1')
else
	redis.call('HDEL', KEYS[1], 'again')
end
if ARGV[7] == '' then
	redis.call('HDEL', KEYS[2], ARGV[1])
else
	redis.call('HSET', KEYS[2], ARGV[1],
		   rev .. ' ' .. ARGV[3] .. '\n' .. ARGV[7])
end
return {'ok', tostring(rev)}
