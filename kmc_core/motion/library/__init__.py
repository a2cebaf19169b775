"""Motions without video: small files made by this project, searchable by name, kind and tag.

The files are made by scripts/make_motion_library.py; at run time nothing of the training room is needed.
"""

from .catalogue import LibraryEntry, find_entry, library_entries, load_library_motion, search_library
from .looping import timed_motion

__all__ = ["LibraryEntry", "find_entry", "library_entries", "load_library_motion", "search_library", "timed_motion"]
