-- The whole configuration as one revision.
-- KEYS  sy:{config}, then its sections: :settings, :devices, :trunks,
--       :routes, :tokens
-- ARGV  revision that the caller has, or ''
-- Returns {} (there is none), {revision} (it is the caller's), or
-- {revision, settings, devices, trunks, routes, tokens}; the last four are
-- lists in no order.
local rev = redis.call('HGET', KEYS[1], 'revision')
if not rev then
	return {}
end
if rev == ARGV[1] then
	return {rev}
end
local out = {rev, redis.call('GET', KEYS[2]) or ''}
for i = 3, 6 do
	out[i] = redis.call('HVALS', KEYS[i])
end
return out
