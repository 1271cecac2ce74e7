"""Desired trees and observed hosts to a Plan; pure, and every action carries its cause."""
