-- A process' heartbeat: its record, its lease by Redis' clock, and the news of it.
-- KEYS  sy:{members} (hash id -> "instance:Member"), sy:{members}:lease
--       (zset id -> end [ms]), sy:{members}:instance (counter)
-- ARGV  id, instance (0: none yet), packed Member, lease [ms], channel,
--       packed Envelope
-- Returns {instance, 1 if its record was missing or its lease had run out: the
-- others think that it is dead}; the instance is a new one, with nothing
-- written, when it had none (the record must carry it); 0 when a later
-- instance of the same id lives.
local instance = tonumber(ARGV[2])
if instance == 0 then
	-- Numbers follow the time [1/64 s], so that a counter that was lost
	-- with Redis' memory gives none again that a live process bears.
	local at = redis.call('TIME')
	local base = (at[1] * 64 + math.floor(at[2] / 15625)) % 4200000000
	local last = tonumber(redis.call('GET', KEYS[3]) or '0')
	local new = math.max(base, last + 1)
	redis.call('SET', KEYS[3], string.format('%.0f', new))
	return {new, 0}
end
local cur = redis.call('HGET', KEYS[1], ARGV[1])
if cur and tonumber(string.match(cur, '^(%d+):')) > instance then
	return {0, 0}
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local lease = redis.call('ZSCORE', KEYS[2], ARGV[1])
local missing = 0
if not cur or not lease or tonumber(lease) < now or
		string.match(cur, '^(%d+):') ~= ARGV[2] then
	missing = 1
end
-- first, so that it is heard also while Redis takes no writes
redis.call('PUBLISH', ARGV[5], ARGV[6])
-- a server that was emptied counts from where its processes are
if tonumber(redis.call('GET', KEYS[3]) or '0') < instance then
	redis.call('SET', KEYS[3], instance)
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. ARGV[3])
redis.call('ZADD', KEYS[2], now + ARGV[4], ARGV[1])
return {instance, missing}
