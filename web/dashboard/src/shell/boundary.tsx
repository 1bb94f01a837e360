// SPDX-License-Identifier: MIT
import { Component, type ReactNode } from "react";
import { ErrorBox } from "../parts/states";

// As browsers word it that a part of the program did not come.
const NOT_LOADED = /dynamically imported module|module script|preload CSS/i;

/** A page that breaks says so, and leaves the others alone. */
export class Boundary extends Component<{ children: ReactNode },
	{ error?: Error }> {
	state: { error?: Error } = {};

	static getDerivedStateFromError(error: Error) {
		return { error };
	}

	render() {
		const { error } = this.state;

		if (!error)
			return this.props.children;
		if (NOT_LOADED.test(error.message))
			return <ErrorBox title="This page could not be loaded"
				error={new Error("The gateway is away, or has a newer " +
					"dashboard than the one that you look at.")}
				retry={() => location.reload()} />;
		return <ErrorBox error={error} title="This page has failed"
			retry={() => this.setState({ error: undefined })} />;
	}
}
