// SPDX-License-Identifier: MIT
import { Anchor, Text } from "@mantine/core";
import { PhoneOff } from "../../icons";
import { Link } from "wouter";
import { useCalls } from "../../api/live";
import { State } from "../../parts/badge";
import { Card } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { Lasts } from "../../parts/time";
import { useSession } from "../../session";
import { people, peers } from "../calls/names";

/** The calls that began last. */
export function Latest() {
	const { may } = useSession();

	return may("calls:read") ? <Calls /> : null;
}

function Calls() {
	const calls = useCalls();

	return <Card title="Newest calls" flush extra={<Anchor component={Link}
		href="/calls" size="sm">All calls</Anchor>}>
		<Shown query={calls}>{(all) => all.length ? <ul className="sy-list">
			{[...all].sort((a, b) => a.id < b.id ? 1 : -1).slice(0, 6)
				.map((c) => <li key={c.id}>
					<div className="sy-grow">
						<Anchor component={Link} href={`/calls/${c.id}`}>
							{peers(c)}
						</Anchor>
						<Text size="xs" c="dimmed">
							{people(c) && <><bdi>{people(c)}</bdi>, </>}
							on {c.node}, <Lasts from={c.startedAt} />
						</Text>
					</div>
					<State name={c.state} />
				</li>)}
		</ul> : <Empty icon={PhoneOff} title="Nobody is calling">
			Dial 600 from a phone to hear an echo, or start a call from
			the page Calls.
		</Empty>}</Shown>
	</Card>;
}
