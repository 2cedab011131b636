// Everything the pages take from outside, in one module.
export { h, Fragment, render, createContext } from "preact";
export {
	useCallback,
	useContext,
	useEffect,
	useErrorBoundary,
	useId,
	useLayoutEffect,
	useMemo,
	useRef,
	useState,
} from "preact/hooks";
export {
	batch,
	computed,
	effect,
	signal,
	untracked,
	useComputed,
	useSignal,
	useSignalEffect,
} from "@preact/signals";
import { h } from "preact";
import htm from "htm";
export const html = htm.bind(h);
