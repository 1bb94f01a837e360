-- The whole configuration as one revision.
-- KEYS  sy:{config}, then its sections: :settings, :devices, :trunks,
--       :routes, :tokens, :groups
-- ARGV  revision that the caller has, or ''
-- Returns {} (there is none), {revision} (it is the caller's), or
-- {revision, settings, devices, trunks, routes, tokens, groups, again, stamp}: five
-- lists in no order; again is '1' when it was given back (config_put.lua), else
-- ''; stamp is that of config_item_put.lua.
local rev = redis.call('HGET', KEYS[1], 'revision')
if not rev then
	return {}
end
if rev == ARGV[1] then
	return {rev}
end
local out = {rev, redis.call('GET', KEYS[2]) or ''}
for i = 3, 7 do
	out[i] = redis.call('HVALS', KEYS[i])
end
out[8] = redis.call('HGET', KEYS[1], 'again') or ''
out[9] = redis.call('HGET', KEYS[1], 'stamp') or ''
return out
