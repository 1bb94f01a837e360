// SPDX-License-Identifier: MIT
import { Button } from "@mantine/core";
import { CloudOff, DatabaseZap } from "../icons";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { Problem } from "../api/client";
import { useNoting } from "./noting";
import { Ago } from "../parts/time";
import { useSession } from "../session";

function watchOnline(changed: () => void) {
	addEventListener("online", changed);
	addEventListener("offline", changed);
	return () => {
		removeEventListener("online", changed);
		removeEventListener("offline", changed);
	};
}

/** What everybody must know: no connection, or a cluster without Redis. */
export function Banner() {
	return useSession().may("nodes:read") ? <Watching /> : null;
}

function Watching() {
	const { data, error, refetch, isFetching } = useNoting();
	const online = useSyncExternalStore(watchOnline,
		() => navigator.onLine);

	const away = !online || error instanceof Problem &&
		(error.status === 0 || error.status >= 502);
	const well = !away && !!data?.redis;
	const client = useQueryClient();

	// Pages that have failed meanwhile are whole again by themselves.
	useEffect(() => {
		if (well)
			void client.refetchQueries({ predicate: (q) =>
				q.state.status === "error" && q.isActive() });
	}, [client, well]);
	if (away)
		return <div className="sy-banner" data-bad role="alert">
			<CloudOff size={17} aria-hidden />
			<span className="sy-grow">No connection to the gateway. What you
				see may be old; it goes on by itself.</span>
			<Button size="compact-sm" variant="default" loading={isFetching}
				onClick={() => refetch()}>Try now</Button>
		</div>;
	if (data && !data.redis)
		return <div className="sy-banner" role="alert">
			<DatabaseZap size={17} aria-hidden />
			<span className="sy-grow">Redis is away: running calls go on, new
				ones are refused, and nothing can be changed.
				{data.asOf && <> What is shown was so <Ago at={data.asOf} />.
				</>}</span>
		</div>;
	return null;
}
