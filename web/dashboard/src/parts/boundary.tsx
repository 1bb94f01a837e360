// SPDX-License-Identifier: MIT
import { Button } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { NotLoaded, type Why, whyNotLoaded } from "./later";
import { ErrorBox } from "./states";

const SAYS: Record<Why, string> = {
	away: "The gateway is not reached.",
	newer: "Since you opened this page there is a newer dashboard.",
	unknown: "",
};

interface Props {
	what: string;        // begins a sentence: "This page"
	quiet?: boolean;     // in a line: the rest of the page is what counts
	className?: string;  // of what is shown in its place
	children: ReactNode;
}

/** A part that breaks, or does not come, says so and leaves the others
 * alone. */
export class Boundary extends Component<Props, { error?: Error; why?: Why }> {
	state: { error?: Error; why?: Why } = {};

	static getDerivedStateFromError(error: Error) {
		return { error, why: undefined };
	}

	componentDidCatch(error: Error) {
		if (!(error instanceof NotLoaded))
			return;
		error.forget();
		void whyNotLoaded().then((why) => this.setState({ why }));
	}

	render() {
		const { error, why } = this.state;
		const { what, quiet, className, children } = this.props;

		if (!error)
			return children;
		const gone = error instanceof NotLoaded;
		const title = `${what} ${gone ? "could not be loaded" : "has failed"}`;
		const says = !gone ? error.message : why ? SAYS[why] : "";
		const retry = why === "newer" ? undefined :
			() => this.setState({ error: undefined, why: undefined });
		// A browser may keep, too, that a file has not come.
		const reload = gone && why && why !== "away" ?
			() => location.reload() : undefined;

		if (!quiet)
			return <div className={className}><ErrorBox title={title}
				error={new Error(says)} retry={retry} reload={reload} /></div>;
		return <div role="alert" className={`sy-lacks ${className ?? ""}`}>
			<span>{title}{says && `: ${says}`}</span>
			{retry && <Button size="compact-xs" variant="default"
				aria-label={`Try again: ${what}`} onClick={retry}>
				Try again</Button>}
			{reload && <Button size="compact-xs" variant="default"
				aria-label={`Load the page anew: ${what}`} onClick={reload}>
				Load the page anew</Button>}
		</div>;
	}
}
