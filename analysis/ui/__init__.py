"""The dashboard's own parts: of the package only they know Streamlit, and the command that starts it."""
