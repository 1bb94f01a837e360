// SPDX-License-Identifier: MIT
import { Phone } from "../../icons";
import { Card, Page } from "../../parts/page";
import { Empty } from "../../parts/states";
import { useSession } from "../../session";

/** The first page of who has a phone here, and nothing to watch. */
export default function Welcome() {
	const { session } = useSession();

	return <Page title={`Hello, ${session!.displayName || session!.user}`}>
		<Card label="Your phone"><Empty icon={Phone} title={session!.device ?
			`You are phone ${session!.device}` : "You have no phone yet"}>
			{session!.device ? "It is in the lower right corner: call " +
				"from there, and calls for you ring here while this page " +
				"is open." : "An administrator can give you one under Users."}
		</Empty></Card>
	</Page>;
}
