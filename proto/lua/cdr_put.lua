-- The record of a call goes to the history, once.
-- KEYS  sy:cdr (stream), {sy:cdr}:seen (zset hub id -> when its entry was
--       written [ms], the first part of the entry's id)
-- ARGV  hub id, entries at most, how long an id is remembered at least [ms],
--       packed CallRecord
-- Returns 1; 0 when it is there already: the reply was lost, the owner asked
-- again.
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then
	return 0
end
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'r',
	ARGV[4])
local now = tonumber(string.match(id, '^%d+'))
redis.call('ZADD', KEYS[2], now, ARGV[1])
-- An id is remembered as long as its entry is there: records are found by it.
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
local keep = now - ARGV[3]
if oldest and oldest[1] then
	keep = math.min(keep, tonumber(string.match(oldest[1][1], '^%d+')))
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf',
	string.format('%.0f', keep - 1))
return 1
