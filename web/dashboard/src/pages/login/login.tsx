// SPDX-License-Identifier: MIT
import { Alert, Button, PasswordInput, TextInput, Title } from "@mantine/core";
import { CircleAlert } from "../../icons";
import { type FormEvent, useEffect, useState } from "react";
import icon from "../../icon.svg";
import { Problem } from "../../api/client";
import { useSession } from "../../session";
import "./login.css";

function cause(e: unknown): string {
	const p = e as Problem;

	if (p.status === 401)
		return "User name or password is wrong.";
	if (p.status === 404)
		return "This gateway has no accounts.";
	return p.detail || p.message;
}

/** Once logged in, the page that was asked for comes: the address stays. */
export function Login({ error }: { error: Problem | null }) {
	const { login } = useSession();
	const [user, setUser] = useState("");
	const [password, setPassword] = useState("");
	const [busy, setBusy] = useState(false);
	const [failed, setFailed] = useState("");

	useEffect(() => { document.title = "Log in · Switchyard"; }, []);
	const submit = async (e: FormEvent) => {
		e.preventDefault();
		setBusy(true);
		setFailed("");
		try {
			await login(user.trim(), password);
		} catch (why) {
			setFailed(cause(why));
			setBusy(false);
		}
	};
	const wrong = failed || (error ? cause(error) : "");

	return <main className="sy-login">
		<form onSubmit={submit} className="sy-login-card" aria-label="Log in">
			<div className="sy-login-brand">
				<img src={icon} alt="" width={40} height={40} />
				<Title order={1} size="h2">Switchyard</Title>
			</div>
			{wrong && <Alert color="red" role="alert" p="sm"
				icon={<CircleAlert size={18} />}>{wrong}</Alert>}
			<TextInput label="User" name="username" required autoFocus
				withAsterisk={false} autoComplete="username"
				autoCapitalize="none" spellCheck={false} size="md"
				value={user} onChange={(e) => setUser(e.currentTarget.value)} />
			<PasswordInput label="Password" name="password" required size="md"
				withAsterisk={false} autoComplete="current-password"
				visibilityToggleButtonProps={{ "aria-label": "Show password" }}
				value={password}
				onChange={(e) => setPassword(e.currentTarget.value)} />
			<Button type="submit" size="md" loading={busy} fullWidth>
				Log in
			</Button>
			<p className="sy-login-hint">
				The first administrator’s password was shown when the
				cluster was started.
			</p>
		</form>
	</main>;
}
