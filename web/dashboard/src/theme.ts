// SPDX-License-Identifier: MIT
//
// The component library's settings.  Colours and sizes are CSS variables in
// theme.css: what a library writes into <style> elements while it runs, the
// gateway's Content-Security-Policy forbids.  So no component here is given
// responsive properties, and dialogs do not lock the page's scroll.
// A component's settings are told without the component: the page to log in
// has none of them.
import { createTheme, type DrawerProps, type MenuProps, type ModalProps,
	type PopoverProps, type SelectProps, type TooltipProps }
	from "@mantine/core";

const by = <P>(defaultProps: Partial<P>) => ({ defaultProps });

export const theme = createTheme({
	respectReducedMotion: true,
	cursorType: "pointer",
	defaultRadius: "md",
	components: {
		Modal: by<ModalProps>({
			lockScroll: false, centered: true,
			overlayProps: { backgroundOpacity: 0.45 },
			closeButtonProps: { "aria-label": "Close" },
		}),
		Drawer: by<DrawerProps>({
			lockScroll: false, closeButtonProps: { "aria-label": "Close" },
		}),
		Tooltip: by<TooltipProps>({ withArrow: true, openDelay: 250 }),
		Menu: by<MenuProps>({ shadow: "md", width: 220 }),
		Popover: by<PopoverProps>({ shadow: "md" }),
		Select: by<SelectProps>({
			allowDeselect: false, checkIconPosition: "right",
		}),
	},
});
