// SPDX-License-Identifier: MIT
import { ActionIcon, Avatar, Menu, Text, Tooltip, UnstyledButton,
	useMantineColorScheme, useComputedColorScheme } from "@mantine/core";
import { ChevronDown, CircleUser, LogOut, Moon, Sun } from "../icons";
import { Link } from "wouter";
import { useSession } from "../session";

export default function UserMenu() {
	const { session, logout } = useSession();
	const name = session!.displayName || session!.user;

	return <>
		<Scheme />
		<Menu position="bottom-end">
			<Menu.Target>
				<UnstyledButton className="sy-user">
					<Avatar size={30} color="blue" aria-hidden>
						{name.slice(0, 2).toUpperCase()}
					</Avatar>
					<span className="sy-user-name">{name}</span>
					<ChevronDown size={15} aria-hidden />
				</UnstyledButton>
			</Menu.Target>
			<Menu.Dropdown>
				<div className="sy-user-who">
					<Text fw={600} size="sm">{name}</Text>
					<Text c="dimmed" size="xs">
						{session!.role.toLowerCase()}
						{session!.device && `, phone ${session!.device}`}
					</Text>
				</div>
				<Menu.Divider />
				<Menu.Item component={Link} href="/account"
					leftSection={<CircleUser size={16} />}>
					Your account</Menu.Item>
				<Menu.Item leftSection={<LogOut size={16} />}
					onClick={() => { void logout(); }}>Log out</Menu.Item>
			</Menu.Dropdown>
		</Menu>
	</>;
}

function Scheme() {
	const { setColorScheme } = useMantineColorScheme();
	const dark = useComputedColorScheme("light") === "dark";
	const label = dark ? "Light colours" : "Dark colours";

	return <Tooltip label={label}>
		<ActionIcon variant="subtle" color="gray" size="lg" aria-label={label}
			onClick={() => setColorScheme(dark ? "light" : "dark")}>
			{dark ? <Sun size={18} /> : <Moon size={18} />}
		</ActionIcon>
	</Tooltip>;
}
