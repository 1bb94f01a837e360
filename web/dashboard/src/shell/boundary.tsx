// SPDX-License-Identifier: MIT
import { Component, type ReactNode } from "react";
import { ErrorBox } from "../parts/states";

/** A page that breaks says so, and leaves the others alone. */
export class Boundary extends Component<{ children: ReactNode },
	{ error?: Error }> {
	state: { error?: Error } = {};

	static getDerivedStateFromError(error: Error) {
		return { error };
	}

	render() {
		if (!this.state.error)
			return this.props.children;
		return <ErrorBox error={this.state.error}
			title="This page has failed"
			retry={() => this.setState({ error: undefined })} />;
	}
}
