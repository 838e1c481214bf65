"""How Sphinx makes the pages."""

from __future__ import annotations

from importlib.metadata import version as version_of

project = "taskhandler"
release = version = version_of("flask-taskhandler")
project_copyright = "the taskhandler contributors"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "furo"
html_title = "taskhandler"
