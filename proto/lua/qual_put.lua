-- A contact was asked whether it is there.
-- KEYS  sy:qual:{DEVICE}: hash, field of sy:reg:{DEVICE} -> "reachable (0, 1)
--       round trip [us] when [ms] since when it is so [ms] code"; sy:reg:{DEVICE}
-- ARGV  field, reachable, round trip [us], when [ms], code
-- Returns 1: it is not reachable any more, or again; or it never was; 0: as
-- before, or reachable for the first time; -1: there is no such binding.
-- It goes with the bindings: by reg_put.lua, or when the last of them lapses.
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
	if redis.call('HEXISTS', KEYS[2], field) == 0 then
		redis.call('HDEL', KEYS[1], field)
	end
end
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return -1 end
local was, since
local have = redis.call('HGET', KEYS[1], ARGV[1])
if have then
	was, since = string.match(have, '^(%d) %d+ %d+ (%d+)')
end
if was ~= ARGV[2] then since = ARGV[4] end
redis.call('HSET', KEYS[1], ARGV[1], table.concat({ARGV[2], ARGV[3], ARGV[4],
	since, ARGV[5]}, ' '))
redis.call('PEXPIRE', KEYS[1], math.max(1, redis.call('PTTL', KEYS[2])))
if was == ARGV[2] or (not was and ARGV[2] == '1') then return 0 end
return 1
