"""The dashboard's own parts. Streamlit is imported here, in the pages, and nowhere else."""
